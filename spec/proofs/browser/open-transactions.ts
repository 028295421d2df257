/** Reports the number of open IndexedDB transactions of this page whenever it changes. An aborted one is not open any more. */
export function observeTransactions(report: (open: number) => void): void {
  const open = new Set<IDBTransaction>();
  const end = (transaction: IDBTransaction) => {
    if (open.delete(transaction)) report(open.size);
  };
  const begin = Object.getOwnPropertyDescriptor(IDBDatabase.prototype, "transaction")?.value as (
    ...args: unknown[]
  ) => IDBTransaction;
  const abort = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, "abort")?.value as () => void;
  IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...args: unknown[]) {
    const transaction = begin.apply(this, args);
    open.add(transaction);
    report(open.size);
    for (const type of ["complete", "abort"]) transaction.addEventListener(type, () => end(transaction));
    return transaction;
  };
  IDBTransaction.prototype.abort = function (this: IDBTransaction) {
    end(this);
    abort.call(this);
  };
}
