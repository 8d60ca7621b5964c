// Package capture runs a project's own migrate command against a throwaway Postgres and returns the statements that it
// sends, for migration tools whose SQL is in no file.
//
// The command runs on the base, or a command or file makes the base's schema. Tables get generated rows, so that loops
// over rows send something. Then the command runs on the head. Each statement comes with its transaction, as the
// server saw it, and with its migration: a migration ends with the tool's own row in its history table.
//
// The command is the user's. It sees few variables of the environment, and the address of a proxy. The proxy
// passes everything on to the server. It ends after a time limit, and every process that it started ends with it.
package capture
