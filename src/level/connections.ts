import { Connection } from "./connection.js";

/**
 * This process's open connections by location. Two trackers of one process must share one, since LevelDB opens a
 * database only once.
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
