/** The address of a database that is named, or given itself. The configuration was checked: a name has an entry. */
export function databaseAddress(nameOrAddress: string, databases: Readonly<Record<string, string>>): string {
  return Object.hasOwn(databases, nameOrAddress) ? databases[nameOrAddress]! : nameOrAddress;
}
