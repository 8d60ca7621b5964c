package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/live"
)

// runQuery returns the targets that a query on the source's database lists. Its columns are address, schema, name, password, and labels. A single
// column with another name has schemas.
func (s *Source) runQuery(ctx context.Context, query string, isTrusted bool) ([]*Target, error) {
	if path, ok := strings.CutPrefix(query, "@"); ok {
		var err error
		if query, err = readSmallFile(path); err != nil {
			return nil, newInputError("read the query for the targets: %w", err)
		}
	}
	conn, err := live.Connect(ctx, s.DB, "onward fleet", nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := beginReadOnly(ctx, conn); err != nil {
		return nil, &live.ServerError{What: "list the targets", Err: err}
	}
	columns, lines, err := queryRows(ctx, conn, query)
	if err != nil {
		return nil, newInputError("the query for the targets failed: %w", describeServerError(err))
	}
	if len(columns) == 1 && columns[0] != "address" {
		columns[0] = "schema"
	}
	if !slices.Contains(columns, "schema") && !slices.Contains(columns, "address") {
		return nil, newInputError("the query for the targets has no column named schema or address")
	}
	var out []*Target
	for i, line := range lines {
		t, err := s.readQueryLine(ctx, columns, line, isTrusted)
		if err != nil {
			return nil, newInputError("line %d of the query for the targets: %w", i+1, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// beginReadOnly begins a transaction for a query of the user, which must change nothing and not take long.
func beginReadOnly(ctx context.Context, conn *pgx.Conn) error {
	for _, begin := range []string{"BEGIN READ ONLY", "SET LOCAL lock_timeout = '2s'", "SET LOCAL statement_timeout = '55s'"} {
		if _, err := conn.Exec(ctx, begin); err != nil {
			return err
		}
	}
	return nil
}

// queryRows returns the result of a query as text.
func queryRows(ctx context.Context, conn *pgx.Conn, query string) (columns []string, lines [][]string, err error) {
	rows, err := conn.Query(ctx, query, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for _, f := range rows.FieldDescriptions() {
		columns = append(columns, strings.ToLower(f.Name))
	}
	for rows.Next() {
		if len(lines) >= maxTargets {
			return nil, nil, fmt.Errorf("it returns more than %d targets", maxTargets)
		}
		line := make([]string, len(columns))
		for i, value := range rows.RawValues() {
			line[i] = string(value)
		}
		lines = append(lines, line)
	}
	return columns, lines, rows.Err()
}

// readQueryLine returns the target on a line of the result.
func (s *Source) readQueryLine(ctx context.Context, columns, line []string, isTrusted bool) (*Target, error) {
	t := &Target{Address: s.DB, readAddress: s.ReadDB, Labels: map[string]string{}}
	var text, password string
	for i, c := range columns {
		switch value := line[i]; {
		case value == "":
		case c == "name":
			t.Name = value
		case c == "schema":
			t.Schema = value
		case c == "address":
			text = value
		case c == "password":
			password = value
		default:
			t.Labels[c] = value
		}
	}
	switch {
	case text != "":
		var err error
		t.readAddress = func(ctx context.Context) (string, error) {
			if isTrusted || isSecretReference(text) {
				return s.readTargetAddress(ctx, text, password, false)
			}
			return s.readRowAddress(ctx, text, password)
		}
		if t.Address, err = t.readAddress(ctx); err != nil {
			return nil, err
		}
	case t.Schema == "":
		return nil, newInputError("it has neither a schema nor an address")
	case t.Name == "":
		t.Name = t.Schema
	}
	return t, t.completeName()
}

// readRowAddress returns the address of a row. Who may write rows could name a server of his own to get a secret: so a row names another
// server than the source's database, or the place of a secret, and not both. Such a server gets no password from the environment either.
func (s *Source) readRowAddress(ctx context.Context, text, password string) (string, error) {
	source, err := pgconn.ParseConfig(s.DB)
	if err != nil {
		return "", &address.Error{}
	}
	row, err := pgconn.ParseConfig(text) // reads the files that it names
	switch {
	case err != nil && secretKeyword.MatchString(text):
		return "", newInputError("it names a server and the place of a secret that cannot be read: a row may name one of both")
	case err != nil:
		return "", &address.Error{}
	}
	if isSameServer(source, row) {
		return s.readTargetAddress(ctx, text, password, false)
	}
	if password != "" || secretKeyword.MatchString(text) {
		return "", newInputError("it names another server, %s, and the place of a secret, which that server would get: a row may name one of both. If nobody "+
			"else can write the rows, write trusted-query: in place of query:", row.Host)
	}
	plain, err := s.readTargetAddress(ctx, text, "", false)
	if err != nil {
		return "", err
	}
	return address.WithSetting(plain, "password", ""), nil
}

// secretKeyword matches settings of an address that name files of the operator's.
var secretKeyword = lazyregexp.New(`(?i)(?:^|[\s?&])(?:passfile|service|servicefile|sslkey|sslcert)\s*=`)

// isSameServer reports whether every server of an address is one of another address.
func isSameServer(source, other *pgconn.Config) bool {
	servers := func(c *pgconn.Config) []string {
		out := []string{fmt.Sprint(c.Host, " ", c.Port)}
		for _, f := range c.Fallbacks {
			out = append(out, fmt.Sprint(f.Host, " ", f.Port))
		}
		return out
	}
	known := servers(source)
	return !slices.ContainsFunc(servers(other), func(server string) bool { return !slices.Contains(known, server) })
}
