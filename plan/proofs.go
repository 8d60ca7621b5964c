package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/prose"
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
	// base is the first state that was read.
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
	if err = r.stage.MakeRoles(r.ctx, rolesNamed(r.folds)); err != nil {
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
