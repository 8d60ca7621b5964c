package verify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// Contract is a schema, the objects that will be dropped from it, and the queries of the new code.
type Contract struct {
	// Major is the version of Postgres; Server is the address of a server to make a database on,
	// "" for a throwaway one.
	Major  int
	Server string
	// Schema are the statements that make the schema, as internal/live reads them. SearchPath, in the form of SHOW,
	// is for sessions whose recording has none.
	Schema     []string
	SearchPath string
	// Steps are run there, in their order.
	Steps []onward.PlanStep
	// New is what the new code sends.
	New []*Workload
}

// Verify runs the steps on an empty copy of the schema. It returns the verdicts on the queries that surely break
// after the last step, and the number of queries. A verdict's place is the step that breaks the query; there is
// none if the query does not work before, either.
//
// Errors: *pgserver.MissingError if there is no server of this version; the server's error if it refuses the
// schema or a step.
func (c *Contract) Verify(ctx context.Context) (broken []onward.Verdict, count *onward.Verified, err error) {
	k := &checker{log: slog.New(slog.DiscardHandler)}
	k.addVersion(onward.NewCode, c.New, nil)
	if count = k.counts[onward.NewCode]; count.Queries == 0 {
		return nil, count, nil
	}
	server, err := pgserver.Start(ctx, pgserver.Config{Major: c.Major, URL: c.Server, Small: true})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = server.Stop() }()
	database, conn, err := c.copySchema(ctx, server)
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
	places, err := s.checkQueriesAtSteps(ctx, k, server, rehearse.Point{Base: true, Database: database, URL: server.URL(database)})
	if err != nil {
		return nil, nil, err
	}
	list := k.judgeQueries(places)
	if k.late > 0 {
		return nil, nil, fmt.Errorf("the server did not answer in %s, of %d questions", askTimeout, k.late)
	}
	return BreakingVerdictsAt(list, onward.NewCode, len(c.Steps)), count, nil
}

// outsideDatabase is what is outside of a database, and who may do what in it: of that, nothing is copied.
var outsideDatabase = lazyregexp.New(`^(CREATE (ROLE|TABLESPACE|POLICY|PUBLICATION|SUBSCRIPTION) |GRANT |REVOKE |ALTER DEFAULT PRIVILEGES |ALTER (VIEW|MATERIALIZED VIEW|SEQUENCE|FOREIGN TABLE|TABLE) .* OWNER TO )`)

// copySchema makes the schema in a database of its own.
func (c *Contract) copySchema(ctx context.Context, server *pgserver.Server) (database string, conn *pgx.Conn, err error) {
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
		if outsideDatabase.MatchString(sql) {
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
