package live

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Setting is a setting of a session with its value, as SET takes it.
type Setting struct{ Name, Value string }

// Onward's own queries run under these settings, whatever a role or a database has: they say how text is read and
// written, and that nothing ends a transaction in the middle. Everybody may set them.
var (
	// ReadSettings say how the server reads SQL.
	ReadSettings = []Setting{
		{"standard_conforming_strings", "on"}, {"backslash_quote", "safe_encoding"}, {"escape_string_warning", "off"},
		{"transform_null_equals", "off"}, {"array_nulls", "on"}, {"check_function_bodies", "on"},
	}
	// ValueSettings say how values become text, and text becomes values.
	ValueSettings = []Setting{
		{"datestyle", "'ISO, MDY'"}, {"intervalstyle", "'postgres'"}, {"timezone", "'UTC'"}, {"bytea_output", "'hex'"}, {"extra_float_digits", "1"}, {"quote_all_identifiers", "off"},
	}
	timeSettings = []Setting{
		{"lock_timeout", "0"}, {"statement_timeout", "'" + stmtTimeout + "'"}, {"idle_in_transaction_session_timeout", "'60s'"}, {"client_min_messages", "warning"},
	}
)

// noTransactionTimeout switches a setting off that servers have from 17 on.
const noTransactionTimeout = "SELECT pg_catalog.set_config('transaction_timeout', '0', true) WHERE pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL"

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

// SetDefault returns the statements that give a transaction the values of its role and its database again.
func SetDefault(list ...[]Setting) string {
	var b strings.Builder
	for _, settings := range list {
		for _, s := range settings {
			b.WriteString("SET LOCAL " + s.Name + " TO DEFAULT; ")
		}
	}
	return b.String()
}

// OwnSettings returns the statements that give a transaction onward's own settings. The timeout of the transaction comes
// first: it runs already.
func OwnSettings() string {
	return noTransactionTimeout + "; " + SetLocal(timeSettings, ReadSettings, ValueSettings)
}

// BeginOwn begins a transaction under onward's own settings, in one message: not even the role's
// idle_in_transaction_session_timeout comes between. SET LOCAL works behind a pooler of transactions, too.
func BeginOwn() string { return "BEGIN ISOLATION LEVEL READ COMMITTED; " + OwnSettings() }

// AsOwn runs onward's own queries in a transaction under onward's own settings. As without one, what was written before
// an error stays, unless it is the server's. A transaction that the function itself begins, and ends, ends this one.
func AsOwn(ctx context.Context, conn *pgx.Conn, f func() error) (err error) {
	if _, err := conn.Exec(ctx, BeginOwn()); err != nil {
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
			_, failed := conn.Exec(ctx, "END") // a COMMIT, but none that the faults of package apply count: those are of steps
			err = errors.Join(err, failed)
		}
	}()
	return f()
}
