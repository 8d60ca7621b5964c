package live

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Setting is a setting of a session, with its value in the form that SET expects.
type Setting struct{ Name, Value string }

// Onward's own queries run under these settings, regardless of the role's and the database's. They control how text is
// read and written, and prevent a timeout in the middle of a transaction. Every role may set them.
var (
	// CommonReadSettings are the [ReadSettings] of each version.
	CommonReadSettings = []Setting{
		{"standard_conforming_strings", "on"}, {"backslash_quote", "safe_encoding"},
		{"transform_null_equals", "off"}, {"array_nulls", "on"}, {"check_function_bodies", "on"},
	}
	// ValueSettings control conversions between values and text.
	ValueSettings = []Setting{
		{
			"datestyle", "'ISO, MDY'",
		}, {"intervalstyle", "'postgres'"}, {"timezone", "'UTC'"}, {"bytea_output", "'hex'"}, {"extra_float_digits", "1"}, {"quote_all_identifiers", "off"},
	}
	// workSettings are limits of time. They also switch off the compilation of expensive queries: it takes longer than the
	// queries, which are short and many.
	workSettings = []Setting{
		{"jit", "off"},
		{"lock_timeout", "0"}, {"statement_timeout", "'" + stmtTimeout + "'"}, {"idle_in_transaction_session_timeout", "'60s'"}, {"client_min_messages", "warning"},
	}
)

// ReadSettings returns the settings that control how the server of a session parses SQL.
func ReadSettings(conn *pgx.Conn) []Setting {
	if major := ServerMajor(conn); major == 0 || major >= 19 { // 19 has it no longer
		return CommonReadSettings
	}
	return append(slices.Clip(CommonReadSettings), Setting{"escape_string_warning", "off"})
}

// RoleValues reads the role's and the database's values of those [ValueSettings] on which a migration's statements may
// depend. The session's own SET does not affect them.
func RoleValues(ctx context.Context, conn *pgx.Conn) ([]Setting, error) {
	rows, err := conn.Query(ctx, `SELECT pg_catalog.lower(name), reset_val FROM pg_catalog.pg_settings
		WHERE pg_catalog.lower(name) IN ('datestyle', 'intervalstyle', 'timezone', 'bytea_output', 'extra_float_digits') ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Setting])
}

// noTransactionTimeout disables a setting that exists from 17 on.
const noTransactionTimeout = "SELECT pg_catalog.set_config('transaction_timeout', '0', true) WHERE pg_catalog.current_setting('transaction_timeout', " +
	"true) IS NOT NULL"

// OwnPath sets the search_path of onward's own queries for a transaction. A pooler keeps no SET, so each transaction has it. Nobody but a
// superuser creates an object in pg_catalog, and pg_temp belongs to the session.
const OwnPath = "SET LOCAL search_path = " + ownPath + "; "

const ownPath = "pg_catalog, pg_temp"

// keepSessionPath keeps the search_path of the session for [SessionPath]. A second one in the same transaction changes nothing.
const keepSessionPath = "SELECT pg_catalog.set_config('onward.search_path', pg_catalog.current_setting('search_path'), true) " +
	"WHERE coalesce(pg_catalog.current_setting('onward.search_path', true), '') OPERATOR(pg_catalog.=) ''; "

// SessionPath is an expression: the search_path that the session has without onward's own settings.
const SessionPath = "pg_catalog.current_setting('onward.search_path')"

// SetLocal returns the statements that set these for a transaction.
func SetLocal(list ...[]Setting) string {
	var b strings.Builder
	for _, settings := range list {
		for _, s := range settings {
			b.WriteString("SET LOCAL " + s.Name + " = " + s.Value + "; ")
		}
	}
	return b.String()
}

// SetDefault returns the statements that reset these to the values of the role and the database, for a transaction.
func SetDefault(list ...[]Setting) string {
	var b strings.Builder
	for _, settings := range list {
		for _, s := range settings {
			b.WriteString("SET LOCAL " + s.Name + " TO DEFAULT; ")
		}
	}
	return b.String()
}

// OwnSettings returns the statements that set onward's own settings for a transaction of a session. The transaction
// timeout comes first, because it is running already.
func OwnSettings(conn *pgx.Conn) string {
	return noTransactionTimeout + "; " + keepSessionPath + OwnPath + SetLocal(workSettings, ReadSettings(conn), ValueSettings)
}

// BeginOwn returns a BEGIN with onward's own settings, as one message, so that not even the role's
// idle_in_transaction_session_timeout can fire in between. SET LOCAL also works with a transaction pooler.
func BeginOwn(conn *pgx.Conn) string {
	return "BEGIN ISOLATION LEVEL READ COMMITTED; " + OwnSettings(conn)
}

// InOwnTransaction runs f in a transaction of its own, under onward's own settings and those in settings. If [AsOwn] has begun one, it ends
// that one before, and begins the next one afterwards.
func InOwnTransaction(ctx context.Context, conn *pgx.Conn, settings string, f func() error) error {
	first, next := "", ""
	if conn.PgConn().TxStatus() != 'I' {
		first, next = "COMMIT; ", "; "+BeginOwn(conn)
	}
	if _, err := conn.Exec(ctx, first+BeginOwn(conn)+settings); err != nil {
		return err
	}
	err := f()
	end := "COMMIT"
	if err != nil {
		end = "ROLLBACK"
		ctx = context.WithoutCancel(ctx)
	}
	if conn.IsClosed() {
		return err
	}
	_, failed := conn.Exec(ctx, end+next)
	return errors.Join(err, failed)
}

// AsOwn runs onward's own queries in a transaction under onward's own settings. As without a transaction, changes made
// before an error of f stay, unless the error is the server's. If f begins and ends a transaction, that ends this one.
func AsOwn(ctx context.Context, conn *pgx.Conn, f func() error) (err error) {
	if _, err := conn.Exec(ctx, BeginOwn(conn)); err != nil {
		return err
	}
	defer func() {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), min(connectTimeout, Patience(ctx)))
		defer stop()
		switch {
		case conn.IsClosed() || conn.PgConn().TxStatus() == 'I':
		case conn.PgConn().TxStatus() == 'E':
			_, _ = conn.Exec(ctx, "ROLLBACK") // the first error says more
		default:
			_, failed := conn.Exec(ctx, "END") // a COMMIT, but not one that the fault tests of package apply count
			err = errors.Join(err, failed)
		}
	}()
	return f()
}
