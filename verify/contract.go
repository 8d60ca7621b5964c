package verify

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// Contract is a schema as it stands, what is about to be dropped of it, and what the new code sends.
type Contract struct {
	// Major is the version of Postgres; Server is the address of a server to make a database on,
	// "" for a throwaway one.
	Major  int
	Server string
	// Schema are the statements that make the schema, as internal/live reads them; SearchPath is that of sessions whose
	// recording tells none, as SHOW has it.
	Schema     []string
	SearchPath string
	// Steps are run there, in their order.
	Steps []onward.PlanStep
	// New is what the new code sends.
	New []*Workload
}

// Verify runs the steps on an empty copy of the schema, and gives the verdicts on the queries that surely break behind
// the last of them, and how many there are. A verdict's place is the step with which it begins; none where the
// query does not work before either.
//
// Errors: *pgserver.MissingError, where no server of this version is to be had, and the server's, where it takes
// the schema or a step not.
func (c *Contract) Verify(ctx context.Context) (broken []onward.Verdict, count *onward.Verified, err error) {
	k := &checker{log: slog.New(slog.DiscardHandler)}
	k.queries, count = queries(onward.NewCode, c.New)
	if count.Queries == 0 {
		return nil, count, nil
	}
	server, err := pgserver.Start(ctx, pgserver.Config{Major: c.Major, URL: c.Server, Small: true})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = server.Stop() }()
	database, conn, err := c.copied(ctx, server)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	s := &Steps{Run: func(ctx context.Context, i int) error {
		if _, err := conn.Exec(ctx, c.Steps[i].SQL); err != nil {
			return fmt.Errorf("step %s on a copy of the schema: %w", c.Steps[i].ID, err)
		}
		return nil
	}}
	for i := range c.Steps {
		s.Names = append(s.Names, c.Steps[i].ID)
	}
	places, err := s.along(ctx, k, server, rehearse.Point{Base: true, Database: database, URL: server.URL(database)})
	if err != nil {
		return nil, nil, err
	}
	list := k.judge(places, &onward.Verified{}, count)
	if k.late > 0 {
		return nil, nil, fmt.Errorf("the server did not answer in %s, of %d questions", askTimeout, k.late)
	}
	return At(list, onward.NewCode, len(c.Steps)), count, nil
}

// beside is what is outside of a database, and who may do what in it: of that, nothing is copied.
var beside = regexp.MustCompile(`^(CREATE (ROLE|TABLESPACE|POLICY|PUBLICATION|SUBSCRIPTION) |GRANT |REVOKE |ALTER DEFAULT PRIVILEGES |ALTER (VIEW|MATERIALIZED VIEW|SEQUENCE|FOREIGN TABLE|TABLE) .* OWNER TO )`)

// copied makes the schema in a database of its own.
func (c *Contract) copied(ctx context.Context, server *pgserver.Server) (database string, conn *pgx.Conn, err error) {
	if database, err = server.NewDatabase(ctx, ""); err != nil {
		return "", nil, err
	}
	config, err := pgx.ParseConfig(server.URL(database))
	if err != nil {
		return "", nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	if conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return "", nil, err
	}
	for _, sql := range append([]string{"SET check_function_bodies = off", "SET search_path = ''"}, c.Schema...) {
		if beside.MatchString(sql) {
			continue
		}
		sql = strings.Replace(sql, "CREATE EXTENSION ", "CREATE EXTENSION IF NOT EXISTS ", 1)
		if _, err := conn.Exec(ctx, sql); err != nil {
			_ = conn.Close(ctx)
			return "", nil, fmt.Errorf("make a copy of the schema: %w", err)
		}
	}
	if c.SearchPath != "" {
		to := " SET search_path = " + c.SearchPath
		if _, err = conn.Exec(ctx, "ALTER DATABASE "+pgx.Identifier{database}.Sanitize()+to+";"+to); err != nil {
			_ = conn.Close(ctx)
			return "", nil, fmt.Errorf("make a copy of the schema: %w", err)
		}
	}
	return database, conn, nil
}
