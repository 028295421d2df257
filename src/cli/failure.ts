/** The command cannot do what it was asked. The message is for the user. */
export class Failure extends Error {
  override readonly name = "Failure";
}
