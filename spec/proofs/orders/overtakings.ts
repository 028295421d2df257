/** How often something overtook something else: what these histories are about. */
export interface Overtakings {
  "a later query was answered before an earlier one": number;
  "a later query for the same user was answered before an earlier one": number;
  "a query was answered between a commit's effect and its answer": number;
  "a query was answered with lists that had changed since they were looked at": number;
  "two tabs' updates were interleaved": number;
  "a change came while its user's list was being saved": number;
  "another tab committed a change while a query for the user was in flight": number;
  "a save was refused": number;
  "a read was answered with what had been overwritten since": number;
  "a step arrived while the saved state was being loaded": number;
  "a query was answered while a gap was being closed": number;
  "a change came while its user's list was being verified": number;
  "a later verification was answered before an earlier one": number;
  "another tab committed a change while its user's list was being verified": number;
  "a commit took effect behind another tab's, with a query sent after its step": number;
}

export const noOvertakings = (): Overtakings => ({
  "a later query was answered before an earlier one": 0,
  "a later query for the same user was answered before an earlier one": 0,
  "a query was answered between a commit's effect and its answer": 0,
  "a query was answered with lists that had changed since they were looked at": 0,
  "two tabs' updates were interleaved": 0,
  "a change came while its user's list was being saved": 0,
  "another tab committed a change while a query for the user was in flight": 0,
  "a save was refused": 0,
  "a read was answered with what had been overwritten since": 0,
  "a step arrived while the saved state was being loaded": 0,
  "a query was answered while a gap was being closed": 0,
  "a change came while its user's list was being verified": 0,
  "a later verification was answered before an earlier one": 0,
  "another tab committed a change while its user's list was being verified": 0,
  "a commit took effect behind another tab's, with a query sent after its step": 0,
});
