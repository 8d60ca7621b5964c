package view

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// stepFacts returns the size and the costs of a long step in a few words: "5 G rows · about 3 days · 2.1 TB of WAL".
func stepFacts(s *onward.PlanStep) string {
	if !IsLongStep(s) {
		return ""
	}
	return sumFacts([]*onward.PlanStep{s})
}

// sumFacts returns the size and the costs of steps that run one after the other.
func sumFacts(steps []*onward.PlanStep) string {
	var sum onward.StepEstimate
	var rows int64
	for _, s := range steps {
		for _, e := range ListNoticeable(s.Effects) {
			if s.Repeat && (e.Work != onward.NoWork || e.RowLocks) {
				rows = max(rows, e.Rows)
			}
		}
		if e := s.Estimate; e != nil {
			rows = max(rows, e.Rows)
			addEstimate(&sum, e)
		} else {
			sum.MS += stepMilliseconds(s)
			sum.MaxMS += stepMilliseconds(s)
		}
	}
	var words []string
	if rows > 0 {
		words = append(words, size.FormatCount(rows)+" rows")
	}
	if sum.MS > 0 {
		words = append(words, estimatedTime(&sum))
	}
	words = append(words, costWords(&sum)...)
	return strings.Join(words, " · ")
}

// addEstimate adds the costs of a step to the sum of the steps before it.
func addEstimate(sum, e *onward.StepEstimate) {
	sum.MS += e.MS
	sum.MaxMS += max(e.MaxMS, e.MS)
	sum.WALBytes += e.WALBytes
	sum.MaxWALBytes += max(e.MaxWALBytes, e.WALBytes)
	sum.DiskBytes += e.DiskBytes
	sum.MaxDiskBytes += max(e.MaxDiskBytes, e.DiskBytes)
	sum.TempBytes = max(sum.TempBytes, e.TempBytes) // the files are removed after the step
}

// StepCost is a line about what a step costs.
type StepCost struct{ Name, Words string }

// cachedPlanWords says which prepared statements are refused after a step; "" for none.
func cachedPlanWords(c *onward.CachedPlans) string {
	if c == nil {
		return ""
	}
	details := ""
	if len(c.Columns) > 0 {
		details = " that return " + escape.Line(strings.Join(c.Columns, ", "))
	}
	if len(c.Queries) > 0 {
		details += fmt.Sprintf(" (%s)", escape.Line(strings.Join(c.Queries, "; ")))
	}
	return "statements prepared before it" + details + " are refused, with most drivers once for each connection: cached plan must not change result type (0A000)"
}

// ListStepCosts returns the lines about refused prepared statements, WAL, disk and autovacuum of a step.
func ListStepCosts(s *onward.PlanStep) (out []StepCost) {
	if words := cachedPlanWords(s.CachedPlans); words != "" {
		out = append(out, StepCost{"errors", words})
	}
	e := s.Estimate
	if e == nil {
		return out
	}
	words := costWords(e)
	if e.MaxWALBytes > e.WALBytes*3/2 {
		words = append(words, "most if the entries of its indexes come in no order")
	}
	if len(words) > 0 {
		out = append(out, StepCost{"costs", strings.Join(words, " · ")})
	}
	if words := vacuumWords(e); words != "" {
		out = append(out, StepCost{"vacuum", words})
	}
	return out
}

// estimatedTime returns the time of a step, from the least to the most.
func estimatedTime(e *onward.StepEstimate) string {
	least, most := FormatEstimate(e.MS), strings.TrimPrefix(FormatEstimate(max(e.MS, e.MaxMS)), "about ")
	if strings.TrimPrefix(least, "about ") == most {
		return least
	}
	return least + " to " + most
}

// costWords lists WAL, disk and temporary files.
func costWords(e *onward.StepEstimate) (words []string) {
	add := func(from, until int64, noun string) {
		if until = max(from, until); until == 0 {
			return
		}
		words = append(words, formatSizes(from, until)+" "+noun)
	}
	add(e.WALBytes, e.MaxWALBytes, "of WAL")
	add(e.DiskBytes, e.MaxDiskBytes, "more disk")
	if e.TempBytes > 0 {
		words = append(words, size.FormatBytes(e.TempBytes)+" of temporary files")
	}
	return words
}

// formatSizes formats a range of sizes.
func formatSizes(from, until int64) string {
	a, b := size.FormatBytes(from), size.FormatBytes(until)
	if a == b || from == 0 {
		return b
	}
	return a + " to " + b
}

// vacuumWords says what autovacuum does while a step runs; "" if the step leaves no dead rows.
func vacuumWords(e *onward.StepEstimate) string {
	if e == nil || e.Vacuum == nil {
		return ""
	}
	v := e.Vacuum
	dead := size.FormatCount(v.DeadRows) + " dead rows"
	switch {
	case v.Off:
		return dead + ", and autovacuum is off here: run VACUUM yourself, or the table keeps growing"
	case v.Runs == 0:
		return fmt.Sprintf("%s, fewer than its threshold of %s: it starts after the step, if at all", dead, size.FormatCount(v.Threshold))
	}
	runs := "once, at"
	if v.Runs > 1 {
		runs = fmt.Sprintf("about %s times, at each", GroupDigits(int(v.Runs)))
	}
	assumed := ""
	if v.Assumed {
		assumed = " (by the default settings)"
	}
	return fmt.Sprintf("%s; it works %s %s dead rows%s, first after %s, and reads %s each time; no batch waits for it",
		dead, runs, size.FormatCount(v.Threshold), assumed, strings.TrimPrefix(FormatEstimate(v.FirstMS), "about "), size.FormatBytes(v.ReadBytes))
}

// DescribeTotal sums up what a plan costs; "" if no size is known.
func DescribeTotal(p *onward.Plan) string {
	var sum onward.StepEstimate
	estimated := false
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Estimate != nil {
			addEstimate(&sum, s.Estimate)
			estimated = true
		} else {
			sum.MS += stepMilliseconds(s)
			sum.MaxMS += stepMilliseconds(s)
		}
	}
	if !estimated {
		return ""
	}
	return strings.Join(append([]string{estimatedTime(&sum)}, costWords(&sum)...), " · ")
}
