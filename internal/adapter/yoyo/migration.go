package yoyo

import (
	"cmp"
	"container/heap"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// migration is a file with what it depends on.
type migration struct {
	*adapter.Migration
	depends []string
	// hook is set if it runs after each run.
	hook bool
}

// readMigration reads a file; nil if it is a program that makes no steps.
func readMigration(t adapter.Tree, s adapter.Source, f *adapter.File) *migration {
	id := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
	m := &migration{Migration: f.Start(s, id, id), hook: strings.HasPrefix(id, "post-apply")}
	m.Runner.Tool = tool
	m.Repeatable = m.hook
	if f.Failed != "" {
		return m
	}
	mode := onward.TransactionFile
	if path.Ext(f.Path) == ".sql" {
		depends, transactional := readDirectives(f.Text)
		if m.depends = depends; !transactional {
			mode = onward.TransactionNone
		}
		m.Source.Parts = append(m.Source.Parts, adapter.TrimmedPart(f.Text, 0, len(f.Text)))
		if p := strings.TrimSuffix(f.Path, ".sql") + rollbackEnd; adapter.HasFile(t, p) {
			m.DownPath = p
		}
	} else {
		p := readProgram(f.Text)
		if !p.isMigration() {
			return nil
		}
		m.depends = p.depends
		if p.transactionless {
			mode = onward.TransactionNone
		}
		m.addSteps(p)
	}
	m.Runner.Rerun = mode == onward.TransactionNone
	m.Seal(mode, s.Options, f.Text)
	return m
}

var (
	directive      = lazyregexp.New(`^\s*--\s*(transactional|depends)\s*:\s*(.*)$`)
	commentOrEmpty = lazyregexp.New(`^\s*(?:--.*)?$`)
)

// readDirectives reads the comments before the first statement of an SQL file.
func readDirectives(text string) (depends []string, transactional bool) {
	transactional = true
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		m := directive.FindStringSubmatch(line)
		switch {
		case m == nil && commentOrEmpty.MatchString(line):
		case m == nil:
			return depends, transactional
		case m[1] == "depends":
			depends = append(depends, strings.Fields(m[2])...)
		default:
			transactional = !strings.EqualFold(strings.TrimSpace(m[2]), "false")
		}
	}
	return depends, transactional
}

// sortMigrations returns the migrations in yoyo's order: by name, each after those that it depends on. Those that run after each run are
// last. A name that nothing has is refused.
func sortMigrations(list []*migration) []*adapter.Migration {
	slices.SortStableFunc(list, func(a, b *migration) int { return cmp.Or(strings.Compare(path.Base(a.Path), path.Base(b.Path))) })
	index := map[string]int{}
	for i, m := range list {
		if !m.hook {
			index[m.ID] = i
		}
	}
	waits := make([]int, len(list))
	followers := make([][]int, len(list))
	var ready indexes
	for i, m := range list {
		for _, id := range slices.Compact(slices.Sorted(slices.Values(m.depends))) {
			dependency, ok := index[id]
			if !ok {
				m.Refuse(0, "there is no migration "+id, "yoyo stops: Could not resolve dependencies", "name a migration that exists")
				continue
			}
			m.After = append(m.After, id)
			waits[i]++
			followers[dependency] = append(followers[dependency], i)
		}
		if waits[i] == 0 && !m.hook {
			heap.Push(&ready, i)
		}
	}
	var out []*adapter.Migration
	done := make([]bool, len(list))
	for ready.Len() > 0 {
		i := heap.Pop(&ready).(int)
		done[i] = true
		out = append(out, list[i].Migration)
		for _, next := range followers[i] {
			if waits[next]--; waits[next] == 0 && !list[next].hook {
				heap.Push(&ready, next)
			}
		}
	}
	for i, m := range list {
		if done[i] {
			continue
		}
		if !m.hook {
			m.Refuse(0, "it depends on itself", "yoyo stops: Circular dependencies among these migrations", "remove one of the dependencies")
		}
		out = append(out, m.Migration)
	}
	return out
}

// indexes is a heap.
type indexes []int

func (h *indexes) Len() int           { return len(*h) }
func (h *indexes) Less(i, j int) bool { return (*h)[i] < (*h)[j] }
func (h *indexes) Swap(i, j int)      { (*h)[i], (*h)[j] = (*h)[j], (*h)[i] }
func (h *indexes) Push(x any)         { *h = append(*h, x.(int)) }

// Pop removes the last one.
func (h *indexes) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
