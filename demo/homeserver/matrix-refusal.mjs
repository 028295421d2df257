/** An error response. Matrix spec, client-server API, "Standard error response". */
export class MatrixRefusal extends Error {
  /**
   * @param {number} status
   * @param {string} errcode
   * @param {string} message
   */
  constructor(status, errcode, message) {
    super(message);
    this.status = status;
    this.errcode = errcode;
  }

  get body() {
    return { errcode: this.errcode, error: this.message };
  }
}
