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
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// proofs is a server on which plans of one release are proven.
type proofs struct {
	ctx    context.Context
	config *Config
	folds  []*audit.Folded
	stage  *rehearse.Stage
	// filled is a database of the base schema with rows.
	filled string
	// emptied are tables whose triggers refuse all rows that were made up.
	emptied []string
	// base is the first state that was read; nil before.
	base *state
	// fails: the server refuses the release itself.
	fails bool
	// partial is the schema of a base whose history did not run as a whole; nil for others.
	partial *live.Schema
	// random are the columns whose values differ from run to run of the release. ranTwice: it was run twice to find them.
	random   map[string]bool
	ranTwice bool
}

// openProofs starts the server and fills the base. The caller closes it.
func openProofs(ctx context.Context, c *Config, folds []*audit.Folded) (*proofs, error) {
	stage, err := rehearse.Open(ctx, c.Config)
	if failed := new(rehearse.BaseError); errors.As(err, &failed) && failed.Reached == "" && c.Schema == "" && c.Dump == "" {
		var tolerant error
		if stage, tolerant = rehearse.OpenTolerant(ctx, c.Config); tolerant == nil {
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	r := &proofs{ctx: ctx, config: c, folds: folds, stage: stage}
	if err = r.fillBase(); err == nil && len(stage.Refused()) > 0 {
		r.partial, err = live.ReadSchema(ctx, stage.Server().URL(r.filled))
	}
	if err != nil {
		r.closeServer()
		return nil, err
	}
	return r, nil
}

func (r *proofs) fillBase() (err error) {
	if err = r.stage.MakeRoles(r.ctx, findRequiredRoles(r.folds)); err != nil {
		return err
	}
	if r.filled, err = r.stage.Copy(r.ctx); err != nil {
		return err
	}
	if _, err = fill.FillDatabase(r.ctx, r.stage.URL(r.filled), fill.Plan{All: rowsPerTable, Seed: 1}, fill.Release{Room: 1 << 30}); err != nil {
		return fmt.Errorf("generate rows: %w", err)
	}
	return r.dropRefusedRows()
}

// mostRefusedShown limits the statements of the base that a plan names as skipped.
const mostRefusedShown = 3

// checkBase compares the tables that a plan touches with the model, if the history of the base did not run as a whole.
func (v *prover) checkBase(p *planner) {
	if v.partial == nil {
		return
	}
	refused := v.stage.Refused()
	shown := refused[:min(len(refused), mostRefusedShown)]
	v.plan.Notes = append(v.plan.Notes, fmt.Sprintf("%s of the base's history did not run on the throwaway server: %s. The proof is for the rest",
		prose.CountNoun(len(refused), "statement"), joinClipped(shown, len(refused))))
	var other []string
	for _, name := range v.plan.Relations() {
		if v.partial.Catalog.HashRelations([]string{name}) != p.release.Deployed.HashRelations([]string{name}) {
			other = append(other, name)
		}
	}
	detail := ""
	if len(other) > 0 {
		detail = strings.Join(other, ", ") + ": the history of the base did not run as a whole, and the throwaway server does not have them as the migrations " +
			"make them: give the deployed schema with --schema FILE"
	}
	v.addCheck("the base has the tables that the steps touch", len(other) == 0, detail)
}

// joinClipped joins the first items of a list, and counts the rest.
func joinClipped(shown []string, all int) string {
	text := strings.Join(shown, "; ")
	if n := all - len(shown); n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}

func (r *proofs) closeServer() { _ = r.stage.Close() }

// provePlan proves a plan. If rows differ, it looks for values that differ between two runs of the release itself, and proves the plan
// again without them.
func (r *proofs) provePlan(p *planner) error {
	notes, proof := slices.Clone(p.plan.Notes), p.plan.Proof
	v, err := r.tryPlan(p)
	if err != nil || !v.rowsDiffer || r.ranTwice {
		return err
	}
	if err := r.findRandomValues(v); err != nil || len(r.random) == 0 {
		return err
	}
	p.plan.Notes, p.plan.Proof = notes, proof
	_, err = r.tryPlan(p)
	return err
}

// tryPlan runs the release on one database, the plan on a second, and the plan up to its first contract
// and back on a third, and compares the results. What the plan leaves runs before the first contract.
func (r *proofs) tryPlan(p *planner) (*prover, error) {
	p.tried = true
	if r.config.spoil != nil {
		r.config.spoil(p.plan)
	}
	v := &prover{
		proofs: r, plan: p.plan, filled: r.filled, beyond: p.release.Beyond,
		volatile: maps.Clone(p.release.Volatile), changed: maps.Clone(p.release.Changed),
	}
	maps.Copy(v.volatile, r.random)
	v.noteRandomValues()
	maps.Copy(v.changed, p.release.Kept)
	v.path, v.extensions = p.release.Deployed.SearchPath, p.extensionStatements()
	v.plan.Notes = append(v.plan.Notes, r.stage.Notes()...)
	if v.checkBase(p); !p.passesChecks() {
		return v, nil
	}
	touched := p.touchedTables()
	v.plan.Proof.Rows = r.describeEmptyTables(touched)
	trials := &parentTrials{ctx: r.ctx}
	before, want, err := v.runRelease(func(conn *pgx.Conn) error {
		if v.filled != "" {
			var err error
			if trials, err = tryParents(r.ctx, conn, p.release.Deployed, p.changes[len(p.changes)-1].After, touched); err != nil {
				return err
			}
		}
		if err := runMigrations(r.ctx, conn, r.folds, p.release.Beyond); err != nil {
			return err
		}
		return trials.runTrialsOnHead(conn)
	})
	if failed := new(pgconn.PgError); errors.As(err, &failed) {
		v.addCheck("the release runs", false, redact.MessageWithCode(failed))
		r.fails = true
		return v, nil
	}
	if err != nil {
		return v, err
	}
	produced := "the steps produce the schema and rows of the migrations"
	if v.plan.Proof.Rows != "" {
		produced = "the steps produce the schema of the migrations"
	}
	v.rowsDiffer = v.compareResult(produced, want, p.release.Filled, func(conn *pgx.Conn) error {
		contract := v.plan.Contract()
		err := v.runStepsWith(conn, v.plan.Steps[:contract], func(conn *pgx.Conn, s *onward.PlanStep) error {
			if s.Backfill != nil && s.Backfill.Again != "" {
				_, err := conn.Exec(v.ctx, s.Backfill.Again)
				if pgErr := new(pgconn.PgError); errors.As(err, &pgErr) && pgErr.Code == recipe.ConvertedAgain {
					return fmt.Errorf("step %s: USING gives a column of %s other values, and not the same in another type. Up to the contract the new code writes its "+
						"values to the old column, and they would be converted a second time: give the new column a name of its own", s.ID, s.Backfill.Table)
				}
				if err != nil {
					return fmt.Errorf("step %s: %w", s.ID, err)
				}
			}
			return trials.runTrialsAfter(conn, s)
		})
		if err != nil {
			return err
		}
		if err := v.runLeftChanges(conn); err != nil {
			return err
		}
		return v.runStepsWith(conn, v.plan.Steps[contract:], trials.runTrialsAfter)
	})
	if len(trials.trials) > 0 && v.filled != "" {
		v.addCheck(parentsName, len(trials.bad) == 0, trials.describeTrialResult())
	}
	v.compareResult("abort before the first contract step restores the schema", before, v.changed, v.runAbort)
	v.addMirrorCheck()
	if !r.config.skipTraffic {
		if err := v.proveUnderTraffic(touched); err != nil {
			return v, err
		}
	}
	return v, v.verifyQueries()
}

// touchedTables returns the tables of the deployed release that the steps work on.
func (p *planner) touchedTables() []string {
	exists := map[string]bool{}
	p.release.Deployed.EachRelation(func(r *catalog.Relation) bool {
		exists[r.Name.Schema+"."+r.Name.Name] = true
		return true
	})
	var out []string
	for i := range p.plan.Steps {
		for _, e := range p.plan.Steps[i].Effects {
			if exists[e.Relation] && !slices.Contains(out, e.Relation) {
				out = append(out, e.Relation)
			}
		}
	}
	return out
}
