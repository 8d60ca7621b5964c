package collect

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// action is what a statement does to its session or transaction.
type action byte

const (
	nothing action = iota
	begins
	commits
	rollsBack
	saves
	releases
	rollsBackTo
	sets // a setting, or the role
	resets
	discards
	prepares
	executes
	deallocates
	declares
	fetches
	closes
)

// control is that, with its names. They are names of statements, cursors, savepoints and
// settings, and the values of two settings.
type control struct {
	do    action
	name  string // what is prepared, declared, saved, set; "" for all
	value string // of search_path and role
	local bool   // SET LOCAL
	chain bool   // a new transaction begins
}

// The settings that are followed.
const (
	searchPath  = "search_path"
	role        = "role"
	application = "application_name"
	replication = "session_replication_role"
)

// lexer gives the words of a statement. Comments are none.
type lexer struct {
	sql string
	at  int
}

type word struct {
	text  string // upper-case where it is a word
	means string // the name that it means
	kind  pgparse.LexemeKind
	end   int
}

func (l *lexer) next() word {
	for {
		x := pgparse.NextLexeme(l.sql, l.at)
		l.at = x.End
		text := l.sql[x.Start:x.End]
		switch x.Kind {
		case pgparse.LexemeComment:
			continue
		case pgparse.LexemeWord:
			return word{strings.ToUpper(text), strings.ToLower(text), x.Kind, x.End}
		case pgparse.LexemeQuoted, pgparse.LexemeString:
			return word{text, unquoted(text), x.Kind, x.End}
		}
		return word{text, text, x.Kind, x.End}
	}
}

// unquoted is what a quoted name or plain string means.
func unquoted(text string) string {
	if len(text) < 2 || text[0] != '"' && text[0] != '\'' || text[len(text)-1] != text[0] {
		return text
	}
	q := text[:1]
	return strings.ReplaceAll(text[1:len(text)-1], q+q, q)
}

// after skips words that may stand there, and gives the first that is another.
func (l *lexer) after(words ...string) word {
	for {
		w := l.next()
		if w.kind != pgparse.LexemeWord || !oneOf(w.text, words...) {
			return w
		}
	}
}

func oneOf(s string, list ...string) bool {
	for _, l := range list {
		if s == l {
			return true
		}
	}
	return false
}

// controlOf reads what a statement does to its session. It looks at the first word of most.
func controlOf(sql string) control {
	l := lexer{sql: sql}
	switch w := l.next(); w.text {
	case "BEGIN", "START":
		return control{do: begins}
	case "COMMIT", "END", "ROLLBACK", "ABORT":
		return l.ends(w.text)
	case "SAVEPOINT":
		return control{do: saves, name: l.next().means}
	case "RELEASE":
		return control{do: releases, name: l.after("SAVEPOINT").means}
	case "SET":
		return l.set()
	case "RESET":
		if w := l.next(); w.text != "ALL" {
			return control{do: resets, name: named(w, &l)}
		}
		return control{do: resets}
	case "DISCARD":
		if w := l.next(); w.text == "ALL" {
			return control{do: discards}
		}
	case "PREPARE":
		if w := l.next(); w.text != "TRANSACTION" {
			return control{do: prepares, name: w.means}
		}
		return control{do: commits}
	case "EXECUTE":
		return control{do: executes, name: l.next().means}
	case "DEALLOCATE":
		if w := l.after("PREPARE"); w.text != "ALL" {
			return control{do: deallocates, name: w.means}
		}
		return control{do: deallocates}
	case "DECLARE":
		return control{do: declares, name: l.next().means}
	case "FETCH", "MOVE":
		return control{do: fetches, name: l.last()}
	case "CLOSE":
		if w := l.next(); w.text != "ALL" {
			return control{do: closes, name: w.means}
		}
		return control{do: closes}
	case "SELECT":
		return l.setConfig()
	}
	return control{}
}

// ends reads COMMIT and ROLLBACK behind their first word.
func (l *lexer) ends(first string) control {
	c := control{do: commits}
	if first == "ROLLBACK" || first == "ABORT" {
		c.do = rollsBack
	}
	switch w := l.after("WORK", "TRANSACTION"); w.text {
	case "TO":
		return control{do: rollsBackTo, name: l.after("SAVEPOINT").means}
	case "PREPARED":
		return control{}
	case "AND":
		c.chain = l.next().text == "CHAIN"
	}
	return c
}

// last is the last name of a statement.
func (l *lexer) last() string {
	name := ""
	for {
		switch w := l.next(); w.kind {
		case pgparse.LexemeEnd:
			return name
		case pgparse.LexemeWord, pgparse.LexemeQuoted:
			name = w.means
		}
	}
}

// named is the setting that SET and RESET mean.
func named(w word, l *lexer) string {
	if w.text == "SESSION" { // SESSION AUTHORIZATION
		l.next()
		return role
	}
	return w.means
}

// set reads SET behind its first word.
func (l *lexer) set() control {
	c := control{do: sets}
	w := l.next()
	if c.local = w.text == "LOCAL"; c.local || w.text == "SESSION" {
		w = l.next()
	}
	switch w.text {
	case "ROLE", "AUTHORIZATION":
		v := l.next()
		if c.name, c.value = role, v.means; v.text == "NONE" || v.text == "DEFAULT" {
			c.value = ""
		}
		return c
	case "SCHEMA":
		c.name, c.value = searchPath, pgparse.QuoteIdent(l.next().means)
		return c
	case "TRANSACTION", "CONSTRAINTS", "CHARACTERISTICS", "TIME", "NAMES", "XML":
		return control{}
	}
	if c.name = w.means; !oneOf(c.name, searchPath, role, application, replication) {
		return control{}
	}
	l.next() // TO or =
	c.value = l.list(c.name == searchPath)
	return c
}

// list reads the values of a setting as the server shows them.
func (l *lexer) list(quote bool) string {
	var out []string
	for {
		w := l.next()
		switch {
		case w.kind == pgparse.LexemeEnd || w.text == ";":
			return strings.Join(out, ", ")
		case w.text == ",":
		case w.text == "DEFAULT" && len(out) == 0:
			return ""
		case quote:
			out = append(out, pgparse.QuoteIdent(w.means))
		default:
			out = append(out, w.means)
		}
	}
}

// setConfig finds set_config('search_path', 'x', false) in a query.
func (l *lexer) setConfig() control {
	if !strings.Contains(l.sql, "set_config") {
		return control{}
	}
	for {
		w := l.next()
		if w.kind == pgparse.LexemeEnd {
			return control{}
		}
		if w.means != "set_config" || l.next().text != "(" {
			continue
		}
		name := l.next()
		l.next() // ,
		value := l.next()
		for w = l.next(); w.text != "," && w.kind != pgparse.LexemeEnd; w = l.next() { // ::text
		}
		if local := l.next(); value.kind == pgparse.LexemeString && oneOf(name.means, searchPath, role) {
			return control{do: sets, name: name.means, value: value.means, local: local.text == "TRUE"}
		}
	}
}
