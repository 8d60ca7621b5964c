package pgparse

import "strings"

// psql's own commands, as its manual has them
// (https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMANDS).

// idle are the commands that change nothing of what a file runs: what psql
// prints, how, and to where; descriptions of objects; \restrict, which pg_dump
// writes. \i, \c, \if, \copy, \gexec, \q and \! do, and \o may start a program.
var idle = map[string]bool{
	"echo": true, "qecho": true, "warn": true, "timing": true, "pset": true, "x": true, "a": true, "t": true, "H": true, "f": true,
	"C": true, "T": true, "encoding": true, "conninfo": true, "errverbose": true, "copyright": true, "h": true, "help": true, "?": true, "l": true,
	"l+": true, "z": true, "p": true, "print": true, "restrict": true, "unrestrict": true, "prompt": true,
}

// telling are psql's variables that change how a file runs.
var telling = map[string]bool{"AUTOCOMMIT": true, "ON_ERROR_ROLLBACK": true, "FETCH_COUNT": true, "SINGLELINE": true}

// Idle reports whether a psql command changes nothing of what a file runs. A
// variable that \set gives shows where it is used: there is no such SQL.
func Idle(command string) bool {
	words := strings.Fields(command)
	if len(words) == 0 || !strings.HasPrefix(words[0], `\`) || strings.Contains(command[1:], `\`) || strings.Contains(command, "`") {
		return false // another command on the line; a program's output
	}
	switch name := words[0][1:]; {
	case name == "set" || name == "unset":
		return len(words) == 1 || !telling[words[1]]
	case name == "d" || len(name) > 1 && name[0] == 'd':
		return true
	default:
		return idle[name]
	}
}

// sends reports whether a psql command in a statement ends it: \g, \gx, \gset and
// their like.
func sends(command string) bool {
	name := firstWord(command)
	return strings.HasPrefix(name, `\g`) || name == `\crosstabview` || strings.HasPrefix(name, `\watch`)
}
