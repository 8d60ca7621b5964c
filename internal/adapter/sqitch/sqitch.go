// Package sqitch reads projects of sqitch: the changes of a plan, in its order, with the deploy script of each. The revert and verify
// scripts are not run in a deploy.
//
// Measured with sqitch 1.3 and psql 15 (the tests of internal/adapter/realrunners):
//
//   - psql runs each script in a session of its own, statement by statement, with ON_ERROR_STOP. Most scripts have a BEGIN and a COMMIT.
//   - psql is started in the directory of sqitch.conf, and gets the variables of the sections [core "variables"] and [deploy "variables"].
//   - A change that was reworked is in the plan several times. The script of the older one has the name of the tag that follows it:
//     deploy/users@v1.sql.
//   - sqitch records the IDs of changes, which depend on their lines in the plan and on all changes before them. It refuses to
//     run if the plan has no change with the ID of the last one that a database has.
//   - It records a hash of each script, and none twice.
//   - It refuses to run if a change requires one that is not before it in the plan.
package sqitch

import (
	"context"
	"fmt"
	"path"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/psqlfile"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// refusal is what sqitch does about a change of the plan before the last change that a database has.
const refusal = "sqitch refuses to run: \"Cannot find change … in sqitch.plan\""

// Adapter reads sqitch's changes.
var Adapter = reader{adapter.Base{
	Framework: name, Finds: planFile, Properties: adapter.Traits{Tool: tool}, FindSources: findSources, ReadMigrations: readMigrations,
}}

// reader adds the methods that the base lacks.
type reader struct{ adapter.Base }

const name = "sqitch"

// tool is sqitch for rules.
var tool = history.Tool{Name: name, Unit: "change", Apart: "a change of its own whose script has no BEGIN and COMMIT"}

// findSources looks for plans.
func findSources(t adapter.Tree) []adapter.Source {
	var out []adapter.Source
	for _, p := range findProjects(t) {
		out = append(out, adapter.Source{
			Framework: name, Dir: p.sourceDir(), Deep: true, Score: 3, Foreign: p.foreign, Why: "the plan " + p.plan,
			Covers: []string{p.deploy, p.revert, p.reworked, p.reworkedRevert, path.Join(path.Dir(p.deploy), "verify")},
		})
	}
	return out
}

// findProject returns the project of a source; nil if there is none.
func findProject(t adapter.Tree, s adapter.Source) *project {
	for _, p := range findProjects(t) {
		if p.sourceDir() == s.Dir {
			return p
		}
	}
	return nil
}

// readMigrations reads the changes of a plan in its order.
func readMigrations(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	set := &adapter.Set{
		Source: s, Evidence: adapter.RunnerEvidence{Tool: tool.Name, Transaction: onward.TransactionNone},
		HistoryBehavior: adapter.HistoryBehavior{
			Edited:  "sqitch runs no change twice: databases that have it keep what the old script did",
			Deleted: refusal, Renamed: refusal, OutOfOrder: refusal,
		},
	}
	p := findProject(t, s)
	if p == nil {
		return set, nil
	}
	set.Evidence.FoundIn = p.plan
	changes := readPlan(adapter.ReadFile(t, p.plan).Text)
	set.Problems = findUnplanned(p.plan, changes)
	names := make([]string, len(changes))
	for i, c := range changes {
		names[i] = c.scriptPath(t, p, p.deploy, p.reworked)
	}
	scripts := map[string]string{}
	x := &psqlfile.Expander{Tree: t, Dirs: []string{p.root}, Variables: p.variables}
	for i, f := range adapter.ReadFiles(t, adapter.Dir{}, names) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !adapter.HasFile(t, f.Path) {
			f = &adapter.File{Path: f.Path}
		}
		f.FillNames()
		m := changes[i].makeMigration(t, p, f, s)
		if first := scripts[f.Text]; first != "" {
			m.Refuse(0, "the script of the change "+first+" is the same", "sqitch fails after it has run the script, and reverts the deploy: "+
				"duplicate key value violates unique constraint \"changes_project_script_hash_key\"", "let the scripts differ, as in a comment")
		} else if f.Text != "" {
			scripts[f.Text] = m.ID
		}
		x.Expand(m)
		set.Migrations = append(set.Migrations, m)
	}
	return set, nil
}

// scriptPath returns the path of a script of a change.
func (c *planned) scriptPath(t adapter.Tree, p *project, dir, reworked string) string {
	if len(c.tags) == 0 {
		return path.Join(dir, c.name+"."+p.extension)
	}
	for _, tag := range c.tags {
		if file := path.Join(reworked, c.name+"@"+tag+"."+p.extension); adapter.HasFile(t, file) {
			return file
		}
	}
	return path.Join(reworked, c.name+"@"+c.tags[0]+"."+p.extension)
}

// makeID returns the name of a change. The later versions of a reworked change have a number.
func (c *planned) makeID() string {
	if c.reworks == 0 {
		return c.name
	}
	return fmt.Sprintf("%s#%d", c.name, c.reworks+1)
}

// makeMigration makes the migration of a change.
func (c *planned) makeMigration(t adapter.Tree, p *project, f *adapter.File, s adapter.Source) *adapter.Migration {
	m := f.Start(s, c.makeID(), c.makeID())
	m.Runner.Tool = tool
	m.Runner.OwnSession, m.Runner.Rerun = true, true
	if down := c.scriptPath(t, p, p.revert, p.reworkedRevert); adapter.HasFile(t, down) {
		m.DownPath = down
	}
	if !adapter.HasFile(t, f.Path) {
		m.Refuse(0, "the plan has the change, and its script is not there", "the deploy fails: psql: error: "+f.Path+": No such file or directory",
			"add the script, or remove the line from the plan")
	}
	if m.Failed == "" {
		if part := adapter.TrimmedPart(f.Text, 0, len(f.Text)); part.SQL != "" {
			m.Source.Parts = []script.Part{part}
		}
		m.Source.Psql = s.Options.Transaction != onward.TransactionMessage && s.Options.Transaction != onward.TransactionPipeline
	}
	m.Seal(onward.TransactionNone, s.Options, "")
	return m
}

// Down returns the revert script of a change, which psql runs, too.
func (reader) Down(t adapter.Tree, _ adapter.Source, m *adapter.Migration) (*script.Source, error) {
	down, err := adapter.ReadDown(t, m)
	if down == nil || err != nil {
		return nil, err
	}
	down.Psql = m.Source.Psql
	if part := adapter.TrimmedPart(down.Text, 0, len(down.Text)); part.SQL != "" {
		down.Parts = []script.Part{part}
	}
	return down, nil
}
