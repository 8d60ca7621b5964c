package audit

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/onward"
)

// Why a directory is used although it was not detected.
const (
	configuredWhy = "configured"
	namedWhy      = "named"
)

// describeRunner returns who runs a set of migrations, for the report. toldBy is the setting that
// decides how files are sent, if the options have it: "onward.yaml".
func describeRunner(set *adapter.Set, toldBy string) onward.Runner {
	s, evidence := set.Source, set.Evidence
	r := onward.Runner{
		Dir: s.Dir, Framework: s.Framework, Locations: s.Locations, Tool: cmp.Or(evidence.Tool, all.Traits(s.Framework).Tool.Name),
		ToldBy: evidence.FoundIn, Transaction: evidence.Transaction, Assumed: evidence.Assumed,
	}
	if !all.Traits(s.Framework).Plain {
		r.ToldBy = s.Why
	}
	switch s.Why {
	case configuredWhy, namedWhy:
		r.ToldBy = cmp.Or(r.ToldBy, toldBy)
		if !all.Traits(s.Framework).Plain {
			r.ToldBy = toldBy
		}
	}
	if set.Together {
		r.Transaction = "" // the tool sends all migrations in one
	}
	if s.Options.Transaction != "" {
		r.ToldBy, r.Transaction = toldBy, s.Options.Transaction
	}
	if evidence.Proof.Path != "" {
		r.Proof = &onward.Proof{Command: evidence.Proof.Command, Path: evidence.Proof.Path, Line: evidence.Proof.Line}
	}
	return r
}

// surelyDetected is the score of a source whose tool is no guess.
const surelyDetected = 3

// listRunners lists who runs the migrations of a release. Where the tool is a guess by the files' names, and a program of the repository
// reads them, it is that program.
func listRunners(pairs []pair, head adapter.Tree, databases []database) []onward.Runner {
	var out []onward.Runner
	for i, p := range pairs {
		set := p.head
		if len(set.Migrations) == 0 && p.base != nil {
			set = p.base
		}
		if len(set.Migrations) > 0 {
			r := describeRunner(set, config.Name)
			if s := set.Source; r.Assumed && s.Score < surelyDetected && !all.Traits(s.Framework).Plain {
				if program := all.ProposeRunner(head, s); program != nil {
					r.Tool, r.ToldBy = "a runner of its own ("+program.Name+")", ""
				}
			}
			if len(databases) > 1 {
				r.Database = 1 + slices.IndexFunc(databases, func(d database) bool { return slices.Contains(d.sources, i) })
			}
			out = append(out, r)
		}
	}
	return out
}

// recordRunner records who runs a set of migrations. asked is the value of --transaction.
func (j *judge) recordRunner(set *adapter.Set, toldBy string, asked onward.Transaction) {
	if len(set.Migrations) == 0 {
		return
	}
	r := describeRunner(set, toldBy)
	if asked != "" && slices.ContainsFunc(set.Migrations, func(m *adapter.Migration) bool { return m.Source.Mode != asked && m.Failed == "" }) {
		r.Overrides = "--transaction"
	}
	isSameSource := func(x onward.Runner) bool { return x.Dir == r.Dir && x.Framework == r.Framework }
	if !slices.ContainsFunc(j.report.Runners, isSameSource) {
		j.report.Runners = append(j.report.Runners, r)
	}
}
