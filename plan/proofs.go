package plan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/rehearse"
)

// mostProofs limits the proofs that look for the chains that fail.
const mostProofs = 16

// proofs is a server on which plans of one release are proven.
type proofs struct {
	ctx    context.Context
	config *Config
	folds  []*audit.Folded
	stage  *rehearse.Stage
	// filled is a database of the base schema with rows.
	filled string
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
	return nil
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
		report.CountNoun(len(refused), "statement"), joinClipped(shown, len(refused))))
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

// proveChains proves a plan. If it fails, proveChains looks for the chains that fail, and returns a proven plan of the others; if
// there is none, it returns the plan with the checks that failed. ready completes each plan before its proof.
func (r *proofs) proveChains(src *source, p *planner, left map[*chain][]string, ready func(*planner) error) (*planner, error) {
	if err := r.provePlan(p); err != nil || p.passesChecks() || len(p.chains) < 2 || p.isBlocked() || r.fails || r.config.skipSearch {
		return p, err
	}
	s := &search{proofs: r, source: src, ready: ready, all: p.chains, left: left, why: map[*chain][]string{}}
	half := len(p.chains) / 2
	best, err := s.joinHalves(p.chains[:half], p.chains[half:])
	if err != nil || best == nil {
		return p, err
	}
	maps.Copy(s.why, left)
	best.explainLeft(s.why)
	return best, nil
}

// search looks for the largest part of a plan that is proven.
type search struct {
	*proofs
	source *source
	ready  func(*planner) error
	all    []*chain
	// left are the chains that the plan leaves anyway. why has the reasons of those that fail.
	left, why map[*chain][]string
	tried     int
}

// findProven returns a proven plan of some chains of a set; nil if it finds none.
func (s *search) findProven(set []*chain) (*planner, error) {
	p, err := s.proveSet(set)
	if err != nil || p == nil || p.passesChecks() {
		return p, err
	}
	if len(set) == 1 {
		for _, c := range p.plan.Proof.Checks {
			if !c.OK {
				s.why[set[0]] = append(s.why[set[0]], fmt.Sprintf("the proof of its steps fails (%s): %s", c.Name, c.Detail))
			}
		}
		return nil, nil //nolint:nilnil // there is none, and why is recorded
	}
	return s.joinHalves(set[:len(set)/2], set[len(set)/2:])
}

// joinHalves returns a proven plan of two sets of chains that fail together.
func (s *search) joinHalves(first, second []*chain) (*planner, error) {
	a, err := s.findProven(first)
	if err != nil {
		return nil, err
	}
	b, err := s.findProven(second)
	if err != nil || a == nil {
		return b, err
	}
	if b == nil {
		return a, nil
	}
	if len(a.chains)+len(b.chains) < len(first)+len(second) {
		p, err := s.proveSet(slices.Concat(a.chains, b.chains))
		if err != nil || p != nil && p.passesChecks() {
			return p, err
		}
	}
	if len(b.chains) > len(a.chains) {
		a, b = b, a
	}
	for _, c := range b.chains {
		s.why[c] = []string{"its steps are proven alone, and fail together with those of other chains"}
	}
	return a, nil
}

// proveSet proves a plan of some chains; nil if too many were tried.
func (s *search) proveSet(set []*chain) (*planner, error) {
	if s.tried++; s.tried > mostProofs {
		for _, c := range set {
			s.why[c] = []string{"a proof with its steps failed, and onward stopped looking for the change that fails"}
		}
		return nil, nil //nolint:nilnil // there is none, and why is recorded
	}
	left := maps.Clone(s.left)
	for _, c := range s.all {
		if !slices.Contains(set, c) {
			left[c] = nil
		}
	}
	p := s.source.buildPlan(left)
	if err := s.ready(p); err != nil {
		return nil, err
	}
	return p, s.provePlan(p)
}
