import { Connection } from "./connection.js";

/**
 * The connections of this process by their locations; one that is closed is removed. LevelDB is what two trackers of one
 * process share here: it opens a database only once.
 */
const connections = new Map<string, Connection>();

/** @param location from `realLocation` */
export function connectionTo(location: string): Connection {
  let connection = connections.get(location);
  if (connection === undefined) {
    connection = new Connection(location, () => connections.delete(location));
    connections.set(location, connection);
  }
  return connection;
}
