package html_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

// bigTypeChange is a plan of int → bigint on a table of 5 billion rows.
func bigTypeChange() *onward.Plan {
	effect := func(l onward.Lock, w onward.Work, ms int64, blocks ...string) []onward.Effect {
		return []onward.Effect{{Relation: "public.orders", Lock: l, Work: w, Rows: 5e9, EstimateMS: ms, Blocks: blocks}}
	}
	steps := []onward.PlanStep{
		{
			ID: "01-expand", Phase: onward.Expand, Class: onward.StepDDL, SQL: "ALTER TABLE orders ADD COLUMN id_onward bigint;\n", Why: "add a column",
			Duration: "instant", Effects: effect(onward.AccessExclusiveLock, onward.NoWork, 0, "read", "write"),
		},
		{
			ID: "02-backfill", Phase: onward.Backfill, Class: onward.StepBackfill, SQL: "SELECT 1;\n", Repeat: true, Why: "fill orders.id_onward, in batches",
			Duration: "grows", Effects: effect(onward.RowExclusiveLock, onward.NoWork, 0),
			Estimate: &onward.StepEstimate{
				Rows: 5e9, Runs: 5e6, RowsPerSecond: 24_103, MS: 207_437_500, MaxMS: 1_150_000_000, WALBytes: 2625e9, MaxWALBytes: 51_600e9,
				DiskBytes: 238e9, MaxDiskBytes: 660e9,
				Vacuum: &onward.VacuumEstimate{DeadRows: 5e9, Threshold: 1e8, FirstMS: 4_148_750, Runs: 50, ReadBytes: 228e9},
			},
		},
		{
			ID: "03-backfill", Phase: onward.Backfill, Class: onward.StepConcurrent, SQL: "CREATE UNIQUE INDEX CONCURRENTLY i ON orders (id_onward);\n",
			Why: "build an index", Duration: "waits", Effects: effect(onward.ShareUpdateExclusiveLock, onward.IndexWork, 5_000_000),
			Estimate: &onward.StepEstimate{Rows: 5e9, MS: 5_000_000, WALBytes: 100e9, DiskBytes: 100e9, TempBytes: 100e9},
		},
		{
			ID: "04-contract", Phase: onward.Contract, Release: 2, Class: onward.StepDDL, SQL: "ALTER TABLE orders DROP COLUMN id;\n", Why: "drop the old column",
			Requires: []onward.Requirement{{Kind: onward.RequiresGone, Text: "no process of v1.4 is left"}}, Duration: "instant",
			Effects: effect(onward.AccessExclusiveLock, onward.NoWork, 0, "read", "write"),
		},
	}
	p := &onward.Plan{Schema: onward.PlanSchema, Base: "v1.4", Head: "v1.5", Migrations: []onward.PlannedMigration{{ID: "2", Path: "m/2.sql"}}, Steps: steps}
	p.Proof.Proven = true
	p.Proof.Groups = []onward.PlanGroup{{Name: "orders.id", Changes: 1, Proven: true}}
	for i := range p.Steps {
		p.Steps[i].Migration = "2"
		p.Proof.Groups[0].Steps = append(p.Proof.Groups[0].Steps, p.Steps[i].ID)
	}
	return p
}

// manyChains is a plan of n chains with four steps each, and a change that the plan leaves. text is in all names.
func manyChains(n int, text string) *onward.Plan {
	p := &onward.Plan{Schema: onward.PlanSchema, Base: text + "v1", Head: text + "v2", Left: []onward.PlanLeft{
		{Path: text + "m/9.sql", Line: 3, SQL: "SELECT " + text, Chain: text + "log", Why: []string{text + " has no key"}},
	}}
	for _, phase := range []onward.PlanPhase{onward.Expand, onward.Backfill, onward.Contract} {
		for c := range n {
			s := onward.PlanStep{
				ID: fmt.Sprintf("%03d-%s", len(p.Steps)+1, phase), Phase: phase, Class: onward.StepDDL, SQL: "SELECT 1;\n", Why: text + " is done", Duration: "instant",
				Effects: []onward.Effect{{Relation: "public." + text, Lock: onward.AccessExclusiveLock, Blocks: []string{"read", "write"}}},
			}
			if phase == onward.Backfill {
				s.Class, s.Repeat, s.Duration = onward.StepBackfill, true, "grows"
			}
			p.Steps = append(p.Steps, s)
			if len(p.Proof.Groups) <= c {
				p.Proof.Groups = append(p.Proof.Groups, onward.PlanGroup{Name: fmt.Sprintf("%st%d.name", text, c), Changes: 1, Proven: true})
			}
			p.Proof.Groups[c].Steps = append(p.Proof.Groups[c].Steps, s.ID)
		}
	}
	return p
}

func planPage(t *testing.T, p *onward.Plan) string {
	t.Helper()
	var b strings.Builder
	if err := html.WritePlan(&b, p, &onward.Report{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func planText(t *testing.T, p *onward.Plan, f report.Format) string {
	t.Helper()
	var b strings.Builder
	if err := report.WritePlan(&b, f, p, report.Options{Width: 240}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Terminal, page and comment show the same estimates.
func TestPlanShowsEstimates(t *testing.T) {
	t.Parallel()
	p := bigTypeChange()
	costs := []string{"about 58 h to 13 days", "2.6 TB to 52 TB of WAL", "238 GB to 660 GB more disk", "100 GB of temporary files", "about 59 h to 13 days"}
	vacuum := "5 G dead rows; it works about 50 times, at each 100 M dead rows, first after 69 min, and reads 228 GB each time; no batch waits for it"
	for name, text := range map[string]string{
		"terminal": planText(t, p, report.FormatTerminal), "page": planPage(t, p), "comment": planText(t, p, report.FormatMarkdown),
	} {
		text = strings.Join(strings.Fields(text), " ")
		for _, want := range costs {
			if !strings.Contains(text, want) {
				t.Errorf("the %s has no %q:\n%s", name, want, text)
			}
		}
		if name != "comment" && !strings.Contains(text, vacuum) {
			t.Errorf("the %s has no %q:\n%s", name, vacuum, text)
		}
	}
}

// A step says which prepared statements fail after it.
func TestPlanShowsCachedPlans(t *testing.T) {
	t.Parallel()
	p := bigTypeChange()
	p.Steps[3].CachedPlans = &onward.CachedPlans{Columns: []string{"orders.id"}, Queries: []string{"SELECT * FROM orders"}}
	const want = "statements prepared before it that return orders.id (SELECT * FROM orders) are refused, with most drivers once for each connection: " +
		"cached plan must not change result type (0A000)"
	for _, text := range []string{planText(t, p, report.FormatTerminal), planPage(t, p), planText(t, p, report.FormatMarkdown)} {
		if !strings.Contains(strings.ReplaceAll(strings.Join(strings.Fields(text), " "), `\*`, "*"), want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// A table whose autovacuum is off, or starts later than the step ends, has words of its own.
func TestVacuumWords(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]*onward.VacuumEstimate{
		"5 G dead rows, and autovacuum is off here: run VACUUM yourself":           {DeadRows: 5e9, Off: true},
		"900 dead rows, fewer than its threshold of 1 k: it starts after the step": {DeadRows: 900, Threshold: 1000},
		"9 k dead rows; it works once, at 5 k dead rows (by the default settings),": {
			DeadRows: 9000, Threshold: 5000, Runs: 1, FirstMS: 60_000, ReadBytes: 1e6, Assumed: true,
		},
	} {
		p := bigTypeChange()
		p.Steps[1].Estimate.Vacuum = v
		if text := strings.Join(strings.Fields(planText(t, p, report.FormatTerminal)), " "); !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// The steps are placed along the deploy: in their order, the longer the wider, contract after the old code's end.
func TestLaneOrder(t *testing.T) {
	t.Parallel()
	page := planPage(t, bigTypeChange())
	var ends []float64
	var widths []float64
	for _, m := range regexp.MustCompile(`<rect class="body" x="([0-9.]+)%" y="4" width="([0-9.]+)%"`).FindAllStringSubmatch(page, -1) {
		x, _ := strconv.ParseFloat(m[1], 64)
		w, _ := strconv.ParseFloat(m[2], 64)
		if n := len(ends); n > 0 && x < ends[n-1]-0.02 {
			t.Errorf("a step begins at %g, and the one before it ends at %g", x, ends[n-1])
		}
		ends, widths = append(ends, x+w), append(widths, w)
	}
	if len(widths) != 4 || widths[1] < 2*widths[2] || widths[2] < 2*widths[0] {
		t.Errorf("widths of an instant, 58 h, 83 min and an instant: %v", widths)
	}
	gates := regexp.MustCompile(`<line class="gate( gone)?" x1="([0-9.]+)%"`).FindAllStringSubmatch(page, 2)
	if len(gates) != 2 {
		t.Fatalf("%d gates", len(gates))
	}
	deploy, _ := strconv.ParseFloat(gates[0][2], 64)
	oldCodeEnd, _ := strconv.ParseFloat(gates[1][2], 64)
	if deploy < ends[2] || oldCodeEnd < deploy || oldCodeEnd > ends[3]-widths[3]+0.02 {
		t.Errorf("steps end at %v, the deploy is at %g, the end of the old code at %g", ends, deploy, oldCodeEnd)
	}
	for _, bad := range []string{`key reads`, `key writes`, `class="step blocks`} {
		if strings.Contains(page, bad) {
			t.Errorf("a safe step is alarming: %s", bad)
		}
	}
}

// A step that makes others wait for as long as a table is big is not grey.
func TestLaneShowsWaits(t *testing.T) {
	t.Parallel()
	p := bigTypeChange()
	p.Steps[2].Class, p.Steps[2].Duration, p.Steps[2].Effects[0].Blocks = onward.StepWork, "grows", []string{"write"}
	if page := planPage(t, p); !strings.Contains(page, `class="step blocks`) || !strings.Contains(page, `key writes`) {
		t.Error("the page does not show that others wait")
	}
}

// A large plan has a row for each chain, a small one a row for each step with its chain; both name what is left.
func TestLaneRows(t *testing.T) {
	t.Parallel()
	for chains, want := range map[int]int{3: 9, 20: 20} {
		p := manyChains(chains, "")
		page := planPage(t, p)
		rows := strings.Count(page, `<div class="lane"><p class="label">`)
		if rows != want || !strings.Contains(page, `<div class="lane left">`) {
			t.Errorf("%d chains: %d rows, want %d", chains, rows, want)
		}
		text := planText(t, p, report.FormatMarkdown)
		for _, cell := range []string{"| **deploy** |", "| **wait** |", "| **left** |", "t2.name"} {
			if !strings.Contains(text, cell) {
				t.Errorf("%d chains: no %q in:\n%s", chains, cell, text)
			}
		}
	}
}

// No name becomes markup, in the page or in the comment.
func TestLaneHostile(t *testing.T) {
	t.Parallel()
	for _, name := range hostileNames {
		page := planPage(t, manyChains(3, name))
		reporttest.ListElements(t, page)
		for _, bad := range []string{` style="`, ` src="`} {
			if strings.Contains(page, bad) {
				t.Errorf("%q: the page has %s", name, bad)
			}
		}
		for line := range strings.Lines(planText(t, manyChains(3, name), report.FormatMarkdown)) {
			if strings.HasPrefix(line, "| ") && reporttest.CountCells(line) != 6 {
				t.Errorf("%q: a row does not have 6 cells: %s", name, line)
			}
		}
	}
}
