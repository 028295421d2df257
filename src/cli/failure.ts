/** The command cannot do what was requested. The message is for the user. */
export class Failure extends Error {
  override readonly name = "Failure";
}
