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

// control is an action with its names. For SET search_path = app it is sets, with the name search_path and the
// value app.
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

type wordMeaning struct {
	text    string // in upper case if it is a word
	meaning string // the name that it means
	kind    pgparse.LexemeKind
	end     int
}

func (l *lexer) nextWord() wordMeaning {
	for {
		x := pgparse.NextLexeme(l.sql, l.at)
		l.at = x.End
		text := l.sql[x.Start:x.End]
		switch x.Kind {
		case pgparse.LexemeComment:
			continue
		case pgparse.LexemeWord:
			return wordMeaning{strings.ToUpper(text), strings.ToLower(text), x.Kind, x.End}
		case pgparse.LexemeQuoted, pgparse.LexemeString:
			return wordMeaning{text, unquoteText(text), x.Kind, x.End}
		}
		return wordMeaning{text, text, x.Kind, x.End}
	}
}

// unquoteText is what a quoted name or plain string means.
func unquoteText(text string) string {
	if len(text) < 2 || text[0] != '"' && text[0] != '\'' || text[len(text)-1] != text[0] {
		return text
	}
	q := text[:1]
	return strings.ReplaceAll(text[1:len(text)-1], q+q, q)
}

// skipWords skips optional words, and returns the first other one.
func (l *lexer) skipWords(words ...string) wordMeaning {
	for {
		w := l.nextWord()
		if w.kind != pgparse.LexemeWord || !isOneOf(w.text, words...) {
			return w
		}
	}
}

func isOneOf(s string, list ...string) bool {
	for _, l := range list {
		if s == l {
			return true
		}
	}
	return false
}

// parseControl reads what a statement does to its session. It looks at the first word of most.
func parseControl(sql string) control {
	l := lexer{sql: sql}
	switch w := l.nextWord(); w.text {
	case "BEGIN", "START":
		return control{do: begins}
	case "COMMIT", "END", "ROLLBACK", "ABORT":
		return l.parseTransactionEnd(w.text)
	case "SAVEPOINT":
		return control{do: saves, name: l.nextWord().meaning}
	case "RELEASE":
		return control{do: releases, name: l.skipWords("SAVEPOINT").meaning}
	case "SET":
		return l.parseSet()
	case "RESET":
		if w := l.nextWord(); w.text != "ALL" {
			return control{do: resets, name: settingName(w, &l)}
		}
		return control{do: resets}
	case "DISCARD":
		if w := l.nextWord(); w.text == "ALL" {
			return control{do: discards}
		}
	case "PREPARE":
		if w := l.nextWord(); w.text != "TRANSACTION" {
			return control{do: prepares, name: w.meaning}
		}
		return control{do: commits}
	case "EXECUTE":
		return control{do: executes, name: l.nextWord().meaning}
	case "DEALLOCATE":
		if w := l.skipWords("PREPARE"); w.text != "ALL" {
			return control{do: deallocates, name: w.meaning}
		}
		return control{do: deallocates}
	case "DECLARE":
		return control{do: declares, name: l.nextWord().meaning}
	case "FETCH", "MOVE":
		return control{do: fetches, name: l.readLastName()}
	case "CLOSE":
		if w := l.nextWord(); w.text != "ALL" {
			return control{do: closes, name: w.meaning}
		}
		return control{do: closes}
	case "SELECT":
		return l.parseSetConfig()
	}
	return control{}
}

// parseTransactionEnd reads COMMIT and ROLLBACK after their first word.
func (l *lexer) parseTransactionEnd(first string) control {
	c := control{do: commits}
	if first == "ROLLBACK" || first == "ABORT" {
		c.do = rollsBack
	}
	switch w := l.skipWords("WORK", "TRANSACTION"); w.text {
	case "TO":
		return control{do: rollsBackTo, name: l.skipWords("SAVEPOINT").meaning}
	case "PREPARED":
		return control{}
	case "AND":
		c.chain = l.nextWord().text == "CHAIN"
	}
	return c
}

// readLastName is the last name of a statement.
func (l *lexer) readLastName() string {
	name := ""
	for {
		switch w := l.nextWord(); w.kind {
		case pgparse.LexemeEnd:
			return name
		case pgparse.LexemeWord, pgparse.LexemeQuoted:
			name = w.meaning
		}
	}
}

// settingName is the setting that SET and RESET mean.
func settingName(w wordMeaning, l *lexer) string {
	if w.text == "SESSION" { // SESSION AUTHORIZATION
		l.nextWord()
		return role
	}
	return w.meaning
}

// parseSet reads SET after its first word.
func (l *lexer) parseSet() control {
	c := control{do: sets}
	w := l.nextWord()
	if c.local = w.text == "LOCAL"; c.local || w.text == "SESSION" {
		w = l.nextWord()
	}
	switch w.text {
	case "ROLE", "AUTHORIZATION":
		v := l.nextWord()
		if c.name, c.value = role, v.meaning; v.text == "NONE" || v.text == "DEFAULT" {
			c.value = ""
		}
		return c
	case "SCHEMA":
		c.name, c.value = searchPath, pgparse.QuoteIdent(l.nextWord().meaning)
		return c
	case "TRANSACTION", "CONSTRAINTS", "CHARACTERISTICS", "TIME", "NAMES", "XML":
		return control{}
	}
	if c.name = w.meaning; !isOneOf(c.name, searchPath, role, application, replication) {
		return control{}
	}
	l.nextWord() // TO or =
	c.value = l.readSettingValue(c.name == searchPath)
	return c
}

// readSettingValue reads the values of a setting as the server shows them.
func (l *lexer) readSettingValue(quote bool) string {
	var out []string
	for {
		w := l.nextWord()
		switch {
		case w.kind == pgparse.LexemeEnd || w.text == ";":
			return strings.Join(out, ", ")
		case w.text == ",":
		case w.text == "DEFAULT" && len(out) == 0:
			return ""
		case quote:
			out = append(out, pgparse.QuoteIdent(w.meaning))
		default:
			out = append(out, w.meaning)
		}
	}
}

// parseSetConfig finds set_config('search_path', 'x', false) in a query.
func (l *lexer) parseSetConfig() control {
	if !strings.Contains(l.sql, "set_config") {
		return control{}
	}
	for {
		w := l.nextWord()
		if w.kind == pgparse.LexemeEnd {
			return control{}
		}
		if w.meaning != "set_config" || l.nextWord().text != "(" {
			continue
		}
		name := l.nextWord()
		l.nextWord() // ,
		value := l.nextWord()
		for w = l.nextWord(); w.text != "," && w.kind != pgparse.LexemeEnd; w = l.nextWord() { // ::text
		}
		if local := l.nextWord(); value.kind == pgparse.LexemeString && isOneOf(name.meaning, searchPath, role) {
			return control{do: sets, name: name.meaning, value: value.meaning, local: local.text == "TRUE"}
		}
	}
}
