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
	if e.Routine != "exec_stmt_raise" && e.Routine != "exec_stmt_assert" && !strings.HasPrefix(e.Code, RaisedCode) && !strings.HasPrefix(e.Code, "38") {
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

// serverCodes are the SQLSTATEs of Postgres 12 to 19 (errcodes.txt of their distributions).
const serverCodes = "00000 01000 01003 01004 01006 01007 01008 0100C 01P01 02000 02001 03000 08000 08001 08003 08004 08006 08007 08P01 09000 0A000 " +
	"0B000 0F000 0F001 0L000 0LP01 0P000 0Z000 0Z002 10608 20000 21000 22000 22001 22002 22003 22004 22005 22007 22008 22009 2200B " +
	"2200C 2200D 2200F 2200G 2200H 2200L 2200M 2200N 2200S 2200T 22010 22011 22012 22013 22014 22015 22016 22018 22019 2201B 2201E " +
	"2201F 2201G 2201W 2201X 22021 22022 22023 22024 22025 22026 22027 2202E 2202G 2202H 22030 22031 22032 22033 22034 22035 22036 " +
	"22037 22038 22039 2203A 2203B 2203C 2203D 2203E 2203F 2203G 22P01 22P02 22P03 22P04 22P05 22P06 23000 23001 23502 23503 23505 " +
	"23514 23P01 24000 25000 25001 25002 25003 25004 25005 25006 25007 25008 25P01 25P02 25P03 25P04 26000 27000 28000 28P01 2B000 " +
	"2BP01 2D000 2F000 2F002 2F003 2F004 2F005 34000 38000 38001 38002 38003 38004 39000 39001 39004 39P01 39P02 39P03 3B000 3B001 " +
	"3D000 3F000 40000 40001 40002 40003 40P01 42000 42501 42601 42602 42611 42622 42701 42702 42703 42704 42710 42712 42723 42725 " +
	"42803 42804 42809 42830 42846 42883 428C9 42939 42P01 42P02 42P03 42P04 42P05 42P06 42P07 42P08 42P09 42P10 42P11 42P12 42P13 " +
	"42P14 42P15 42P16 42P17 42P18 42P19 42P20 42P21 42P22 44000 53000 53100 53200 53300 53400 54000 54001 54011 54023 55000 55006 " +
	"55P02 55P03 55P04 57000 57014 57P01 57P02 57P03 57P04 57P05 58000 58030 58P01 58P02 58P03 72000 F0000 F0001 HV000 HV001 HV002 " +
	"HV004 HV005 HV006 HV007 HV008 HV009 HV00A HV00B HV00C HV00D HV00J HV00K HV00L HV00M HV00N HV00P HV00Q HV00R HV010 HV014 HV021 " +
	"HV024 HV090 HV091 P0000 P0001 P0002 P0003 P0004 XX000 XX001 XX002"

// RaisedCode is the SQLSTATE of RAISE EXCEPTION.
const RaisedCode = "P0001"

// PrintedCode returns the SQLSTATE of an error that may be about rows. Code that raises an error chooses its SQLSTATE, too, and may make it of
// a row's letters: only the server's own are printed.
func PrintedCode(e *pgconn.PgError) string {
	if len(e.Code) != 5 || !strings.Contains(" "+serverCodes+" ", " "+e.Code+" ") {
		return RaisedCode
	}
	return e.Code
}
