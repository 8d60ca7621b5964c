// Package redact removes the values of rows, and the literals of statements, from a server's messages: a report, a log and the ledger say
// which columns, never which values.
package redact

import (
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

var (
	failingRow = lazyregexp.New(`(?s)Failing row contains \(.*\)\.?`)
	// A partition's key is printed with spaces: "(a) = (5)".
	keyValue    = lazyregexp.New(`(?s)= ?\(.*?\)( already exists| is duplicated| is not present| is still referenced| conflicts|$|\.)`)
	quoted      = lazyregexp.New(`(?s)".*"`)
	bytes       = lazyregexp.New(`0x[0-9a-f]{2}( 0x[0-9a-f]{2})*`)
	quotedToken = lazyregexp.New(`(?s)(at or near |tsquery: )"(.*)"`)
	literal     = lazyregexp.New(`(?s)'(?:[^']|'')*'`)
	raised      = lazyregexp.New(`^PL/pgSQL function (.+) line \d+ at (RAISE|ASSERT)`)
)

// Error returns a server's error without the values of rows, and without the literals of the statement. Messages that code of the database
// raises itself are unchanged: see [RedactMessage].
func Error(e onward.ServerError) onward.ServerError {
	e.Detail = failingRow.ReplaceAllString(e.Detail, "")
	e.Detail = keyValue.ReplaceAllString(e.Detail, "=(…)$1")
	switch {
	case strings.HasPrefix(e.Code, "22"): // data exceptions quote what they could not parse
		e.Message = quoted.ReplaceAllString(e.Message, `"…"`)
		e.Message = bytes.ReplaceAllString(e.Message, "0x…")
		e.Detail = ""
	case e.Code == "42601": // the position of a syntax error may be within a literal
		e.Message = quotedToken.ReplaceAllStringFunc(e.Message, func(s string) string {
			m := quotedToken.FindStringSubmatch(s)
			if m[1] == "tsquery: " || strings.ContainsAny(m[2], "'$0123456789") {
				return m[1] + `"…"`
			}
			return s
		})
	}
	return e
}

// RedactMessage returns the message of an error from a database with real rows. A message that a function or a trigger raises may quote any
// value: it is replaced by the place where it was raised.
func RedactMessage(e *pgconn.PgError) string {
	if e.Routine != "exec_stmt_raise" && e.Routine != "exec_stmt_assert" && !strings.HasPrefix(e.Code, "P0001") && !strings.HasPrefix(e.Code, "38") {
		return Error(onward.ServerError{Code: e.Code, Message: e.Message}).Message
	}
	first, _, _ := strings.Cut(e.Where, "\n")
	if raiseContext := raised.FindString(first); raiseContext != "" {
		return raiseContext + ": its words may quote rows and are not shown"
	}
	return "a function raised an error: its words may quote rows and are not shown"
}

// RaisingFunction returns the function in PL/pgSQL that raised an error itself, as the server writes it: "audit.refuse()"; "" for none.
func RaisingFunction(e *pgconn.PgError) string {
	first, _, _ := strings.Cut(e.Where, "\n")
	if m := raised.FindStringSubmatch(first); m != nil {
		return m[1]
	}
	return ""
}

// MessageWithCode returns the text of [RedactMessage] with the SQLSTATE.
func MessageWithCode(e *pgconn.PgError) string {
	return RedactMessage(e) + " (SQLSTATE " + PrintedCode(e) + ")"
}

// RedactError returns the text of an error. A server's error in it is replaced by its [MessageWithCode]; the text around it stays. It is for
// errors caused by rows.
func RedactError(err error) string {
	refused := new(pgconn.PgError)
	if !errors.As(err, &refused) {
		return err.Error()
	}
	if text := err.Error(); strings.Contains(text, refused.Error()) {
		return strings.ReplaceAll(text, refused.Error(), MessageWithCode(refused))
	}
	return MessageWithCode(refused)
}

// executed matches the context of a statement whose text was built when it ran.
var executed = lazyregexp.New(`(?m)^PL/pgSQL function .* at .*(?:EXECUTE|OPEN)`)

// ErrorOnRows returns the error of a statement that ran on real rows without their values. A message that code raises, or that is about a
// statement which code has built, is replaced by its place. In other messages, what is quoted stays if the statement's own text has it, or
// if it names the object that the error is about.
func ErrorOnRows(e *pgconn.PgError, sql string) onward.ServerError {
	place := RedactMessage(e)
	switch {
	case executed.MatchString(e.Where):
		return onward.ServerError{Code: PrintedCode(e), Message: "a statement that a function or block has built failed: its words may quote rows and are not shown"}
	case place != Error(onward.ServerError{Code: e.Code, Message: e.Message}).Message: // it was raised
		if m := raisedBy.FindStringSubmatch(place); m != nil && m[1] != "inline_code_block" && !strings.Contains(sql, m[1]) {
			place = "a function raised an error: its words may quote rows and are not shown"
		}
		return onward.ServerError{Code: PrintedCode(e), Message: place}
	}
	out := Error(onward.ServerError{Code: PrintedCode(e), Message: e.Message, Detail: e.Detail, Hint: e.Hint})
	known := []string{e.SchemaName, e.TableName, e.ColumnName, e.DataTypeName, e.ConstraintName}
	for _, text := range []*string{&out.Message, &out.Detail, &out.Hint} {
		*text = quotedPart.ReplaceAllStringFunc(*text, func(part string) string {
			if name := strings.Trim(part, `"`); name != "…" && !slices.Contains(known, name) && !strings.Contains(sql, name) {
				return `"…"`
			}
			return part
		})
	}
	return out
}

var (
	quotedPart = lazyregexp.New(`(?s)"[^"]*"`)
	raisedBy   = lazyregexp.New(`^PL/pgSQL function ([^ (]+)`)
)

// StatementKind returns the first words of a statement that are Postgres' own, such as CREATE INDEX.
func StatementKind(sql string) string {
	if m := statementKind.FindString(sql); m != "" {
		return strings.ToUpper(m)
	}
	return "a statement"
}

var statementKind = lazyregexp.New(`(?i)^(?:(?:CREATE|ALTER|DROP|COMMENT ON|REINDEX|REFRESH MATERIALIZED|ANALYZE|VACUUM)(?: (?:UNIQUE INDEX|INDEX|TABLE|VIEW|SEQUENCE|` +
	`TYPE|FUNCTION|PROCEDURE|TRIGGER|POLICY|SCHEMA|EXTENSION|COLUMN|MATERIALIZED VIEW|DOMAIN|ROLE))?|SELECT|INSERT INTO|UPDATE|DELETE FROM|TRUNCATE|MERGE INTO|` +
	`LOCK TABLE|GRANT|REVOKE|WITH|COPY|SET|DO|CALL)\b`)

// RedactStatement returns a statement without its string literals: in dynamic SQL, these may be the values of rows.
func RedactStatement(sql string) string { return literal.ReplaceAllString(sql, "'…'") }
