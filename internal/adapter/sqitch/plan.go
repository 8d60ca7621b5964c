package sqitch

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// planned is a change of a plan.
type planned struct {
	name string
	line int
	// needs are the changes that it names as required, as they are written.
	needs []string
	// tags are those between this change and the next one of its name, if there is one: the change was reworked, and the file of this
	// one has a tag in its name. sqitch tries the tags of the last change first. reworks counts the changes of its name before it.
	tags    []string
	reworks int
}

var (
	// changeLine matches a change, and tagLine a tag. The time, the planner and a note follow.
	changeLine = lazyregexp.New(`^([+-]?)[ \t]*([^\s@#\[%][^\s\[#]*)[ \t]*(?:\[([^\]]*)\])?`)
	tagLine    = lazyregexp.New(`^@([^\s#]+)`)
)

// maxTags bounds how many tags of a reworked change are tried.
const maxTags = 20

// readPlan reads the changes of a plan, in order.
func readPlan(text string) []*planned {
	type tag struct {
		name string
		at   int // the index of the change before it
		// first is the index of the first tag of that change.
		first int
	}
	var out []*planned
	var tags []tag
	last := map[string]int{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if m := tagLine.FindStringSubmatch(line); m != nil {
			t := tag{m[1], len(out) - 1, len(tags)}
			if len(tags) > 0 && tags[len(tags)-1].at == t.at {
				t.first = tags[len(tags)-1].first
			}
			tags = append(tags, t)
			continue
		}
		m := changeLine.FindStringSubmatch(line)
		if m == nil || m[1] == "-" {
			continue
		}
		c := &planned{name: m[2], line: number, needs: strings.Fields(m[3])}
		if i, ok := last[c.name]; ok {
			old := out[i]
			c.reworks = old.reworks + 1
			for n := len(tags); n > 0 && tags[n-1].at >= i && len(old.tags) < maxTags; {
				first := tags[n-1].first
				for _, t := range tags[first:min(n, first+maxTags-len(old.tags))] {
					old.tags = append(old.tags, t.name)
				}
				n = first
			}
		}
		last[c.name] = len(out)
		out = append(out, c)
	}
	return out
}

// findUnplanned lists the changes that require one that the plan does not have before them.
func findUnplanned(plan string, changes []*planned) (out []adapter.Problem) {
	known := map[string]bool{}
	for _, c := range changes {
		for _, need := range c.needs {
			name, _, _ := strings.Cut(need, "@")
			if name == "" || strings.HasPrefix(name, "!") || strings.Contains(name, ":") || known[name] {
				continue
			}
			out = append(out, adapter.Problem{Path: plan, Refusal: history.Refusal{
				Line: c.line, Column: 1, Message: "the change " + c.name + " requires " + name + ", which is not before it in the plan",
				Harm:    fmt.Sprintf("sqitch refuses to run: Unknown change %q required by change %q", name, c.name),
				Instead: "correct the name, or plan that change first",
			}})
		}
		known[c.name] = true
	}
	return out
}
