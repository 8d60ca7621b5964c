// Package psqlfile follows psql's own commands through the files that it runs: it reads the files that \ir and \i name, sets the variables
// of \set and puts their values into statements, and leaves out the branches of \if that psql skips.
//
// Only what is constant is followed. Everything else stays in the text, as a statement that cannot be judged: a program's
// output in backticks, a file outside of the repository, \gexec. Both branches of a condition that is not known are judged, as
// statements that may be skipped.
//
// The rules are in psql's manual (https://www.postgresql.org/docs/current/app-psql.html) and were compared with psql 15.
package psqlfile
