package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// planArgs are the arguments of plan.
type planArgs struct {
	releaseArgs
	Prove bool `json:"prove,omitempty" jsonschema:"prove the plan on a throwaway Postgres: that takes seconds to minutes"`
}

// planAnswer is the answer of plan.
type planAnswer struct {
	Plan json.RawMessage `json:"plan"`
	// Files are the migrations that onward plan --write makes, and Replaced the migrations that they replace.
	Files    []planFile `json:"files,omitempty"`
	Replaced []string   `json:"replaced,omitempty"`
	// NoFiles says why there are no files.
	NoFiles string `json:"no_files,omitempty"`
	// Opaque is what could not be read, and is in no step.
	Opaque []onward.Opaque `json:"opaque,omitempty"`
}

type planFile struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// planRelease is the tool plan.
func (s *server) planRelease(ctx context.Context, in planArgs) (*answer, error) {
	c, err := s.newConfig(&in.releaseArgs)
	if err != nil {
		return nil, err
	}
	p, r, err := s.makePlan(ctx, c, in.Prove, in.PG)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := report.WritePlan(&text, report.FormatTerminal, p, report.Options{}); err != nil {
		return nil, err
	}
	// Drafting the files adds their names to a plan. The answer's plan is the one of the command.
	var printed bytes.Buffer
	if err := report.WritePlan(&printed, report.FormatJSON, p, report.Options{}); err != nil {
		return nil, err
	}
	out := planAnswer{Plan: printed.Bytes(), Opaque: r.Opaque}
	if len(p.Steps) > 0 && (!in.Prove || p.ProvesSteps()) {
		err := s.addPlanFiles(ctx, c, p, &out)
		input, written := new(config.InputError), new(plan.WrittenError)
		switch {
		case errors.As(err, &input), errors.As(err, &written):
			out.NoFiles = err.Error()
			fmt.Fprintf(&text, "\nno files: %v\n", err)
		case err != nil:
			return nil, err
		}
	}
	for _, f := range out.Files {
		fmt.Fprintf(&text, "\n%s\n%s\n", f.Path, indentLines(f.Text))
	}
	text.WriteString(s.describeUnread(out.Opaque))
	return newAnswer(
		func(w io.Writer) error { _, err := io.WriteString(w, text.String()); return err },
		func(w io.Writer) error { return machine.WriteJSON(w, out) })
}

// makePlan makes the plan of a release, and its report.
func (s *server) makePlan(ctx context.Context, c audit.Config, prove bool, pg string) (*onward.Plan, *onward.Report, error) {
	whole := plan.Config{Config: rehearse.Config{Config: c}, Sketch: !prove}
	var err error
	if whole.Old, err = audit.ReadWorkloads(c.Recordings()); err != nil {
		return nil, nil, err
	}
	if pg != "" {
		whole.Majors = c.Settings.Postgres
	}
	return plan.Make(ctx, whole)
}

// addPlanFiles adds the files of a plan to its answer.
func (s *server) addPlanFiles(ctx context.Context, c audit.Config, p *onward.Plan, out *planAnswer) error {
	draft, err := plan.Write(ctx, c, p)
	if err != nil {
		return err
	}
	for _, f := range draft.Files {
		out.Files = append(out.Files, planFile{f.Path, f.Text})
	}
	if draft.Script != nil {
		out.Files = append(out.Files, planFile{draft.Script.Path, draft.Script.Text})
	}
	out.Replaced = draft.Replaced
	return nil
}

func indentLines(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

// readinessArgs are the arguments of release.
type readinessArgs struct {
	releaseArgs
	Database bool `json:"database,omitempty" jsonschema:"also read the plans on the database whose address the user gave"`
}

// readinessAnswer is the answer of release.
type readinessAnswer struct {
	State      onward.State `json:"state"`
	Verdict    string       `json:"verdict"`
	Conditions []string     `json:"conditions,omitempty"`
	// Readiness has the plans of the repository that are being written, and Plan the plan of this release, of which
	// nothing was done; nil if it needs none.
	Readiness []onward.Readiness `json:"readiness,omitempty"`
	Plan      *onward.Readiness  `json:"plan,omitempty"`
	// Applied are the plans on the database.
	Applied []*onward.Applied `json:"applied,omitempty"`
	// Opaque is what could not be read.
	Opaque []onward.Opaque `json:"opaque,omitempty"`
}

// judgeReadiness is the tool release.
func (s *server) judgeReadiness(ctx context.Context, in readinessArgs) (*answer, error) {
	if in.Database && s.ReadPlans == nil {
		return nil, errors.New("no address is known: the user can start onward mcp with --db env:NAME")
	}
	c, err := s.newConfig(&in.releaseArgs)
	if err != nil {
		return nil, err
	}
	p, r, err := s.makePlan(ctx, c, false, in.PG)
	if err != nil {
		return nil, err
	}
	out := readinessAnswer{
		State: r.Summary.State, Verdict: r.Summary.Verdict, Conditions: r.Summary.Conditions, Readiness: r.Summary.Readiness,
		Opaque: r.Opaque,
	}
	text := []string{out.Verdict}
	for _, c := range out.Conditions {
		text = append(text, "if: "+c)
	}
	for i := range out.Readiness {
		text = append(text, out.Readiness[i].Plan+": "+out.Readiness[i].Text)
	}
	if out.State != onward.StateSafe && len(p.Steps) > 0 {
		out.Plan = readiness.JudgePlan(p)
		text = append(text, "with its plan: "+out.Plan.Text)
	}
	var applied strings.Builder
	if in.Database {
		if out.Applied, err = s.ReadPlans(ctx); err != nil {
			return nil, err
		}
		if err := report.WritePlanStatus(&applied, report.FormatTerminal, out.Applied, report.Options{}); err != nil {
			return nil, err
		}
	}
	return newAnswer(
		func(w io.Writer) error {
			_, err := io.WriteString(w, strings.Join(text, "\n")+"\n"+applied.String()+s.describeUnread(out.Opaque))
			return err
		},
		func(w io.Writer) error { return machine.WriteJSON(w, out) })
}
