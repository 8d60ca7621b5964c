package plan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// rows is how many each table has in a proof.
const rows = 1200

// mostDifferences is how many of them a check shows.
const mostDifferences = 10

// prover runs a release and its plan beside each other.
type prover struct {
	ctx   context.Context
	stage *rehearse.Stage
	plan  *onward.Plan
	// filled is the base with rows in it; "" where the release itself fails on rows.
	filled string
	path   []string // the search path of the migrations
	// extensions are the statements that make those which are not there.
	extensions []string
	// volatile and changed are columns whose values are not compared, the latter with those
	// of the base; and of changed types, what they are.
	volatile, changed map[string]bool
}

// prove runs the release on one database, the plan on another, and the plan up to its first
// contract and back on a third, and holds what comes of them against each other.
func prove(ctx context.Context, c Config, p *planner, folds []*audit.Folded) error {
	stage, err := rehearse.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	defer func() { _ = stage.Close() }()
	v := &prover{ctx: ctx, stage: stage, plan: p.plan, volatile: p.release.Volatile, changed: maps.Clone(p.release.Changed)}
	maps.Copy(v.changed, p.release.Kept)
	v.path, v.extensions = p.release.Deployed.SearchPath, p.extensions()
	v.plan.Notes = append(v.plan.Notes, stage.Notes()...)
	if err := stage.MakeRoles(ctx, rolesNamed(folds)); err != nil {
		return err
	}
	if v.filled, err = stage.Copy(ctx); err != nil {
		return err
	}
	if _, err := fill.Fill(ctx, stage.URL(v.filled), fill.Plan{All: rows, Seed: 1}, fill.Release{Room: 1 << 30}); err != nil {
		return fmt.Errorf("generate rows: %w", err)
	}
	before, err := v.state(v.extended)
	if err != nil {
		return err
	}
	release := func(conn *pgx.Conn) error { return original(ctx, conn, folds, p.release.Beyond) }
	want, err := v.state(release)
	if failed := new(pgconn.PgError); errors.As(err, &failed) {
		v.plan.Notes = append(v.plan.Notes, fmt.Sprintf("the migrations as they stand fail on made-up rows (%s): rows were not compared", redact.Words(failed)))
		v.filled = ""
		if before, err = v.state(v.extended); err == nil {
			want, err = v.state(release)
		}
	}
	if failed := new(pgconn.PgError); errors.As(err, &failed) {
		v.check("the release runs", false, redact.Words(failed))
		v.conclude()
		return nil
	}
	if err != nil {
		return err
	}
	v.compare("schema and rows are those that the migrations make", want, p.release.Filled, func(conn *pgx.Conn) error { return v.run(conn, v.plan.Steps) })
	v.compare("abort before contract leads back", before, v.changed, v.abort)
	if !c.quiet {
		if err := v.underTraffic(p.touched()); err != nil {
			return err
		}
	}
	if err := v.verified(&c); err != nil {
		return err
	}
	v.conclude()
	return nil
}

func (v *prover) check(name string, ok bool, detail string) {
	v.plan.Proof.Checks = append(v.plan.Proof.Checks, onward.PlanCheck{Name: name, OK: ok, Detail: detail})
}

func (v *prover) conclude() {
	p := &v.plan.Proof
	p.Proven = len(p.Missing) == 0 && len(p.Checks) > 0 && !slices.ContainsFunc(p.Checks, func(c onward.PlanCheck) bool { return !c.OK })
}

// compare holds what some work makes of the base against what it is to be.
func (v *prover) compare(name string, want *state, but map[string]bool, work func(*pgx.Conn) error) {
	got, err := v.state(work)
	if err != nil {
		v.check(name, false, redact.Said(err))
		return
	}
	diff := want.against(got, v.volatile, but)
	if n := len(diff); n > mostDifferences {
		diff = append(diff[:mostDifferences:mostDifferences], fmt.Sprintf("and %d more", n-mostDifferences))
	}
	v.check(name, len(diff) == 0, strings.Join(diff, "\n"))
}

// state makes a copy of the base, fills it, works on it, and says what there is then.
func (v *prover) state(work func(*pgx.Conn) error) (*state, error) {
	copied := v.stage.Copy
	if v.filled != "" {
		copied = func(ctx context.Context) (string, error) { return v.stage.CopyOf(ctx, v.filled) }
	}
	db, err := copied(v.ctx)
	if err != nil {
		return nil, err
	}
	defer v.stage.Drop(v.ctx, db)
	url := v.stage.URL(db)
	conn, err := v.connect(url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(v.ctx)
	if work != nil {
		if err := work(conn); err != nil {
			return nil, err
		}
	}
	return read(v.ctx, conn, url, v.volatile)
}

// extended makes the extensions that the plan wants to be there: they stay when it is taken back, for
// they may be somebody else's.
func (v *prover) extended(conn *pgx.Conn) error {
	for _, sql := range v.extensions {
		if _, err := conn.Exec(v.ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// original runs the statements of the migrations, and those that the words of columns ask for
// beyond them.
func original(ctx context.Context, conn *pgx.Conn, folds []*audit.Folded, beyond []string) error {
	for _, m := range folds {
		for _, s := range m.Statements {
			if s.Node == nil || s.Parent >= 0 || s.In != "" || s.Node.GetTransactionStmt() != nil {
				continue
			}
			if _, err := conn.Exec(ctx, s.SQL); err != nil {
				return fmt.Errorf("%s:%d: %w", m.Path, s.Line, err)
			}
		}
	}
	for _, sql := range beyond {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("what is asked for beyond the migrations: %s: %w", sql, err)
		}
	}
	return nil
}

// run runs steps as psql would.
func (v *prover) run(conn *pgx.Conn, steps []onward.PlanStep) error {
	for i := range steps {
		s := &steps[i]
		if s.Check != "" {
			if err := v.none(conn, s); err != nil {
				return err
			}
		}
		if !s.Repeat {
			if _, err := conn.Exec(v.ctx, s.SQL); err != nil {
				return fmt.Errorf("step %s: %w", s.ID, err)
			}
			continue
		}
		for {
			var passed int64
			if err := conn.QueryRow(v.ctx, s.SQL).Scan(&passed); err != nil {
				return fmt.Errorf("step %s: %w", s.ID, err)
			}
			if passed == 0 {
				break
			}
		}
	}
	return nil
}

// none fails where a step's check finds a row.
func (v *prover) none(conn *pgx.Conn, s *onward.PlanStep) error {
	found, err := conn.Query(v.ctx, s.Check)
	if err != nil {
		return fmt.Errorf("the check of step %s: %w", s.ID, err)
	}
	there := found.Next()
	found.Close()
	if there {
		return fmt.Errorf("the check of step %s finds rows that are not right yet", s.ID)
	}
	return found.Err()
}

// abort runs the plan up to its first contract, and takes it back.
func (v *prover) abort(conn *pgx.Conn) error {
	last := v.plan.Contract()
	if err := v.run(conn, v.plan.Steps[:last]); err != nil {
		return err
	}
	for i := last - 1; i >= 0; i-- {
		if _, err := conn.Exec(v.ctx, v.plan.Steps[i].Undo); err != nil {
			return fmt.Errorf("undo of step %s: %w", v.plan.Steps[i].ID, err)
		}
	}
	return nil
}

// extensions are the plan's statements of the form CREATE EXTENSION IF NOT EXISTS.
func (p *planner) extensions() (out []string) {
	for _, s := range p.steps {
		if n := s.From.Node.GetCreateExtensionStmt(); n != nil && n.IfNotExists {
			out = append(out, s.SQL...)
		}
	}
	return out
}
