package live

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

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
	rows, _ := conn.Query(ctx, `SELECT pg_catalog.lower(name), reset_val FROM pg_catalog.pg_settings
		WHERE pg_catalog.lower(name) IN ('datestyle', 'intervalstyle', 'timezone', 'bytea_output', 'extra_float_digits') ORDER BY 1`)
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

// rowSession is a connection, or a transaction on one.
type rowSession interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// queryWithSearchPath returns a query that computes an expression under a search_path, and then sets onward's own. Each level is computed before the one
// around it.
func queryWithSearchPath(path, expression string) string {
	return "SELECT found, pg_catalog.set_config('search_path', '" + ownPath + "', true) FROM (SELECT CASE WHEN pg_catalog.set_config('search_path', " + path +
		", true) IS NOT NULL THEN " + expression + " END AS found OFFSET 0) AS x"
}

// relationIDsQuery finds the relations whose names are in a parameter.
func relationIDsQuery(parameter string) string {
	return "ARRAY(SELECT pg_catalog.to_regclass(n)::pg_catalog.oid FROM pg_catalog.unnest(" + parameter +
		"::pg_catalog.text[]) WITH ORDINALITY AS w (n, place) ORDER BY place)"
}

// FindRelations returns the OIDs of relations by the search_path of the session; 0 for one that does not exist. Names are written as in SQL.
// The transaction has onward's own settings, before and afterwards.
func FindRelations(ctx context.Context, s rowSession, names ...string) ([]uint32, error) {
	return scanIDs(s.QueryRow(ctx, queryWithSearchPath(SessionPath, relationIDsQuery("$1")), names), names)
}

// FindRelationsIn is [FindRelations] by a given search_path. The transaction may have another one before, and has onward's own afterwards.
func FindRelationsIn(ctx context.Context, s rowSession, path string, names ...string) ([]uint32, error) {
	return scanIDs(s.QueryRow(ctx, queryWithSearchPath("$1::pg_catalog.text", relationIDsQuery("$2")), path, names), names)
}

// FindRoutinesIn returns the OIDs of functions and procedures by a given search_path; 0 for one that does not exist. Names are written as in SQL, with the
// types of their arguments unless they are the only ones of their name. The transaction has onward's own search_path afterwards.
func FindRoutinesIn(ctx context.Context, s rowSession, path string, names ...string) ([]uint32, error) {
	const routineIDs = `ARRAY(SELECT CASE WHEN pg_catalog.strpos(n, '(') OPERATOR(pg_catalog.>) 0 THEN pg_catalog.to_regprocedure(n)::pg_catalog.oid
		ELSE pg_catalog.to_regproc(n)::pg_catalog.oid END FROM pg_catalog.unnest($2::pg_catalog.text[]) WITH ORDINALITY AS w (n, place) ORDER BY place)`
	return scanIDs(s.QueryRow(ctx, queryWithSearchPath("$1::pg_catalog.text", routineIDs), path, names), names)
}

func scanIDs(row pgx.Row, names []string) ([]uint32, error) {
	var found []*uint32
	var set string
	if err := row.Scan(&found, &set); err != nil {
		return nil, err
	}
	out := make([]uint32, len(names))
	for i, oid := range found {
		if oid != nil {
			out[i] = *oid
		}
	}
	return out, nil
}

// FirstSchema returns the schema that a search_path finds first: pg_catalog, unless the path names it after another one.
func FirstSchema(ctx context.Context, s rowSession, path string) (schema string, err error) {
	var set string
	err = s.QueryRow(ctx, queryWithSearchPath("$1::pg_catalog.text", "(pg_catalog.current_schemas(true))[1]::pg_catalog.text"), path).Scan(&schema, &set)
	return schema, err
}

// CreationSchema returns the schema in which a statement with this search_path creates what it names without a schema.
func CreationSchema(ctx context.Context, s rowSession, path string) (schema string, err error) {
	var set string
	err = s.QueryRow(ctx, queryWithSearchPath("$1::pg_catalog.text", "coalesce(pg_catalog.current_schema()::pg_catalog.text, '')"), path).Scan(&schema, &set)
	return schema, err
}

// SearchSchemas returns the schemas in the search_path of the session that exist. The transaction has onward's own settings, before and
// afterwards.
func SearchSchemas(ctx context.Context, s rowSession) (schemas []string, err error) {
	var set string
	err = s.QueryRow(ctx, queryWithSearchPath(SessionPath, "pg_catalog.current_schemas(false)::pg_catalog.text[]")).Scan(&schemas, &set)
	return schemas, err
}

// ServerMajor returns the major version that the server reported when the session was opened, also through a pooler; 0
// for unknown.
func ServerMajor(conn *pgx.Conn) int {
	version := conn.PgConn().ParameterStatus("server_version") // "18.6", "19rc1 (Debian 19~rc1-1)"
	digits := len(version) - len(strings.TrimLeft(version, "0123456789"))
	major, _ := strconv.Atoi(version[:digits])
	return major
}

type newerServerKey struct{}

// newerServer reports the first server that is newer than this release was proven on.
type newerServer struct {
	newest int // the newest major version that was proven
	report func(major int)
	once   sync.Once
}

// WithNewerServer calls report once, as soon as a session opened under this context is on a server newer than newest.
func WithNewerServer(ctx context.Context, newest int, report func(major int)) context.Context {
	return context.WithValue(ctx, newerServerKey{}, &newerServer{newest: newest, report: report})
}

// reportNewerServer checks a new session.
func reportNewerServer(ctx context.Context, conn *pgx.Conn) {
	n, ok := ctx.Value(newerServerKey{}).(*newerServer)
	if major := ServerMajor(conn); ok && major > n.newest {
		n.once.Do(func() { n.report(major) })
	}
}
