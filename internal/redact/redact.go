// Package redact takes the values of rows, and the literals of statements, out of what a server says: a report, a
// log and the ledger say which columns, never which values.
package redact

import (
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/onward"
)

var (
	failingRow = regexp.MustCompile(`(?s)Failing row contains \(.*\)\.?`)
	// A partition's key is written with blanks: "(a) = (5)".
	keyValue = regexp.MustCompile(`(?s)= ?\(.*?\)( already exists| is duplicated| is not present| is still referenced| conflicts|$|\.)`)
	quoted   = regexp.MustCompile(`(?s)".*"`)
	bytes    = regexp.MustCompile(`0x[0-9a-f]{2}( 0x[0-9a-f]{2})*`)
	near     = regexp.MustCompile(`(?s)(at or near |tsquery: )"(.*)"`)
	literal  = regexp.MustCompile(`(?s)'(?:[^']|'')*'`)
	raised   = regexp.MustCompile(`^PL/pgSQL function .+ line \d+ at (RAISE|ASSERT)`)
)

// Error is an error of a server without the values of rows, and without the literals of the statement.
// What code of the database raises itself stands as it is: see [Words].
func Error(e onward.ServerError) onward.ServerError {
	e.Detail = failingRow.ReplaceAllString(e.Detail, "")
	e.Detail = keyValue.ReplaceAllString(e.Detail, "=(…)$1")
	switch {
	case strings.HasPrefix(e.Code, "22"): // data exceptions quote what they could not read
		e.Message = quoted.ReplaceAllString(e.Message, `"…"`)
		e.Message = bytes.ReplaceAllString(e.Message, "0x…")
		e.Detail = ""
	case e.Code == "42601": // the place of a syntax error may be within a literal
		e.Message = near.ReplaceAllStringFunc(e.Message, func(s string) string {
			m := near.FindStringSubmatch(s)
			if m[1] == "tsquery: " || strings.ContainsAny(m[2], "'$0123456789") {
				return m[1] + `"…"`
			}
			return s
		})
	}
	return e
}

// Message is what a server says of an error on a database with somebody's rows. What a function or a trigger raises
// may quote any of them: instead of its words, the message says where it was raised.
func Message(e *pgconn.PgError) string {
	if e.Routine != "exec_stmt_raise" && e.Routine != "exec_stmt_assert" && !strings.HasPrefix(e.Code, "P0001") && !strings.HasPrefix(e.Code, "38") {
		return Error(onward.ServerError{Code: e.Code, Message: e.Message}).Message
	}
	first, _, _ := strings.Cut(e.Where, "\n")
	if at := raised.FindString(first); at != "" {
		return at + ": its words may quote rows and are not shown"
	}
	return "a function raised an error: its words may quote rows and are not shown"
}

// Words are a [Message] with its SQLSTATE.
func Words(e *pgconn.PgError) string { return Message(e) + " (SQLSTATE " + e.Code + ")" }

// Said is the text of an error that may be a server's, or hold one: that in its [Words], and what is around it as it is. It is for what is
// found on rows.
func Said(err error) string {
	refused := new(pgconn.PgError)
	if !errors.As(err, &refused) {
		return err.Error()
	}
	if text := err.Error(); strings.Contains(text, refused.Error()) {
		return strings.ReplaceAll(text, refused.Error(), Words(refused))
	}
	return Words(refused)
}

// Statement is a statement without what it quotes: in dynamic SQL, that may be the values of rows.
func Statement(sql string) string { return literal.ReplaceAllString(sql, "'…'") }
