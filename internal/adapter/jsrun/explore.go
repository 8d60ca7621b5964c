package jsrun

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// joinedCall is a call of one of several paths. path is the one that made it; branch is the decision of the path with
// which it is joined that led to its own path, nil for a call of that path itself.
type joinedCall struct {
	Call
	path   *programRun
	branch *decision
}

// explorePaths runs the program once for each condition on an unknown value: with the other answer to this one, and the
// usual answers to the rest. Conditions that only such a path meets are tried from there. It returns the calls of all
// paths; those that only some paths make are conditional.
func (e *execution) explorePaths() ([]Call, error) {
	p, err := e.settlePath(nil)
	if err != nil {
		return nil, err
	}
	list, err := e.joinPaths(p, 0, nil)
	if err == nil {
		list, err = e.joinOpposite(p, list)
	}
	if err != nil {
		return nil, err
	}
	var out []Call
	sent := map[string]int{}
	for _, c := range list {
		if c.text != "" && (c.Conditional || p.aborted) {
			if n, exists := sent[c.text]; exists { // the same call at the same place: one of a loop
				out[n].Loop = true
				continue
			}
			sent[c.text] = len(out)
		}
		if c.text != "" {
			if err := json.Unmarshal([]byte(c.text), &c.Call); err != nil {
				return nil, err
			}
		}
		out = append(out, c.Call)
	}
	return out, nil
}

// settlePath runs a path. If it ends with an error, it tries the other answer to its last conditions, and keeps that as
// the usual one: a program that throws under a condition has to go on.
func (e *execution) settlePath(answers []bool) (*programRun, error) {
	p, err := e.runPath(answers)
	if err != nil {
		return nil, err
	}
	for i := len(p.decisions) - 1; (p.endsWithError() || p.failed) && i >= len(answers); i-- {
		d := p.decisions[i]
		if _, known := e.usual[d.place]; known {
			continue
		}
		e.usual[d.place] = !d.answer
		other, err := e.runPath(answers)
		switch {
		case errors.Is(err, errBudget):
			delete(e.usual, d.place)
			return p, nil
		case err != nil:
			return nil, err
		case !other.endsWithError() && !other.failed || len(other.decisions) > i+1:
			p, i = other, len(other.decisions)
		default:
			delete(e.usual, d.place)
		}
	}
	return p, nil
}

// endsWithError reports whether a path ends with an error. Then the program has done nothing.
func (p *programRun) endsWithError() bool { return len(p.calls) > 0 && p.calls[len(p.calls)-1].thrown }

// joinPaths returns the calls after a number of decisions of a path, joined with those of the paths that differ in one of
// the later ones. parent is the path from which this one differs.
func (e *execution) joinPaths(p *programRun, from int, parent *programRun) ([]joinedCall, error) {
	var list []joinedCall
	for _, c := range p.calls {
		if c.decisions >= from {
			list = append(list, joinedCall{Call: c, path: p})
		}
	}
	fresh := e.findFreshDecisions(p, from, parent)
	for i := len(p.decisions) - 1; i >= from; i-- {
		if !fresh[i] {
			continue
		}
		d := &p.decisions[i]
		answers := p.answersUpTo(i, !d.answer)
		usual := maps.Clone(e.usual)
		other, err := e.settlePath(answers)
		if errors.Is(err, errBudget) {
			list = markUnexplored(list, d, i)
			continue
		}
		if err != nil {
			return nil, err
		}
		branch, err := e.joinPaths(other, i+1, p)
		if err != nil {
			return nil, err
		}
		e.usual = usual
		if !other.endsWithError() { // what a path did that throws is rolled back
			list = joinBranch(list, branch, p, other, i)
		}
	}
	return list, nil
}

// answersUpTo returns the answers of a path to its first n conditions, and another one.
func (p *programRun) answersUpTo(n int, last bool) []bool {
	out := make([]bool, 0, n+1)
	for _, d := range p.decisions[:n] {
		out = append(out, d.answer)
	}
	return append(out, last)
}

// findFreshDecisions reports which decisions of a path are to be tried with the other answer: those that no earlier path met.
// A condition that is met again after it was changed is one of a loop.
func (e *execution) findFreshDecisions(p *programRun, from int, parent *programRun) []bool {
	fresh := make([]bool, len(p.decisions))
	for i := from; i < len(fresh); i++ {
		fresh[i] = true
	}
	if parent != nil {
		changed := p.decisions[from-1].place
		for _, pair := range matchKeys(listQuestions(parent.decisions[from:]), listQuestions(p.decisions[from:])) {
			fresh[from+pair[1]] = false
		}
		for i := from; i < len(fresh); i++ {
			fresh[i] = fresh[i] && p.decisions[i].place != changed
		}
	}
	for i, d := range p.decisions {
		key := d.question + "#" + strconv.Itoa(d.turn)
		fresh[i] = fresh[i] && !e.tried[key]
		if i >= from {
			e.tried[key] = true
		}
	}
	return fresh
}

func listQuestions(list []decision) []string {
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = d.question
	}
	return out
}

// markUnexplored marks the calls after a decision whose other answer was not tried.
func markUnexplored(list []joinedCall, d *decision, n int) []joinedCall {
	first := len(list)
	for i := range list {
		if list[i].decisions > n {
			list[i].Conditional = true
			first = min(first, i)
		}
	}
	note := Call{
		Place: Place{d.line, 1}, Name: "up", decisions: n,
		Exhausted: true, Unread: "the program has more conditions on unknown values than are tried: the other way of this one is not known",
	}
	return slices.Insert(list, first, joinedCall{Call: note, branch: d})
}

// joinBranch adds to the calls of a path those of another one that differs in the decision n. Calls of one of the two
// are conditional.
func joinBranch(list, branch []joinedCall, p, other *programRun, n int) []joinedCall {
	d := &p.decisions[n]
	shared := map[*decision]bool{}
	for _, pair := range matchKeys(listQuestions(p.decisions[n+1:]), listQuestions(other.decisions[min(n+1, len(other.decisions)):])) {
		shared[&p.decisions[n+1+pair[0]]] = true
	}
	first := slices.IndexFunc(list, func(c joinedCall) bool { return c.decisions > n })
	if first < 0 {
		first = len(list)
	}
	listIndexes, branchIndexes := findOwnCalls(list, first, p), findOwnCalls(branch, 0, other)
	pairs := matchKeys(listCallKeys(list, listIndexes), listCallKeys(branch, branchIndexes))
	mark := func(c joinedCall, answer bool) joinedCall {
		c.Conditional = true
		if answer && d.needs.Kind != "" {
			c.Needs = append(slices.Clip(c.Needs), Need{d.needs, d.line})
		}
		return c
	}
	out := slices.Clip(list[:first:first])
	i, j := first, 0
	take := func(endI, endJ int) {
		for ; i < endI; i++ {
			if list[i].path != p && shared[list[i].branch] {
				out = append(out, list[i])
			} else {
				out = append(out, mark(list[i], d.answer))
			}
		}
		for ; j < endJ; j++ {
			c := mark(branch[j], !d.answer)
			c.branch = d
			out = append(out, c)
		}
	}
	for _, pair := range pairs {
		take(listIndexes[pair[0]], branchIndexes[pair[1]])
		c := list[i]
		c.Conditional = c.Conditional || branch[j].Conditional
		out = append(out, c)
		i, j = i+1, j+1
	}
	take(len(list), len(branch))
	return out
}

// findOwnCalls returns the positions of the calls that a path itself made.
func findOwnCalls(list []joinedCall, first int, p *programRun) (out []int) {
	for i := first; i < len(list); i++ {
		if list[i].path == p {
			out = append(out, i)
		}
	}
	return out
}

// joinOpposite runs the program with the other answer to all conditions at once, and adds the calls that only several
// of them together lead to.
func (e *execution) joinOpposite(p *programRun, list []joinedCall) ([]joinedCall, error) {
	if len(p.decisions) < 2 || p.endsWithError() {
		return list, nil
	}
	e.opposite = true
	other, err := e.runPath(nil)
	e.opposite = false
	if errors.Is(err, errBudget) || err == nil && (other.endsWithError() || other.aborted) {
		return list, nil
	}
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, c := range list {
		known[c.callKey()] = true
	}
	var calls []joinedCall
	for _, c := range other.calls {
		calls = append(calls, joinedCall{Call: c, path: other})
	}
	listIndexes, callIndexes := findOwnCalls(list, 0, p), findOwnCalls(calls, 0, other)
	pairs := matchKeys(listCallKeys(list, listIndexes), listCallKeys(calls, callIndexes))
	for j, n := len(calls)-1, len(list); j >= 0; j-- {
		if last := len(pairs) - 1; last >= 0 && callIndexes[pairs[last][1]] == j {
			n, pairs = listIndexes[pairs[last][0]], pairs[:last]
		}
		c := calls[j]
		if known[c.callKey()] {
			continue
		}
		c.Conditional = true
		if c.text != "" {
			if err := json.Unmarshal([]byte(c.text), &c.Call); err != nil {
				return nil, err
			}
		}
		note := Call{Place: c.Place, Name: "up", Unread: "it depends on several conditions at once, and not all combinations are tried"}
		list = slices.Insert(list, n, c, joinedCall{Call: note})
	}
	return list, nil
}

// mostMatched bounds the table of two lists that are compared.
const mostMatched = 1 << 20

// matchKeys returns the positions of what two lists have in common, in the same order.
func matchKeys(a, b []string) (out [][2]int) {
	first := 0
	for first < min(len(a), len(b)) && a[first] == b[first] {
		out = append(out, [2]int{first, first})
		first++
	}
	n, m := len(a)-first, len(b)-first
	if n*m > mostMatched || n == 0 || m == 0 {
		return out
	}
	// lengths[i][j] is how much a[first+i:] and b[first+j:] have in common.
	lengths := make([][]int, n+1)
	for i := range lengths {
		lengths[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if a[first+i] == b[first+j] {
				lengths[i][j] = lengths[i+1][j+1] + 1
			} else {
				lengths[i][j] = max(lengths[i+1][j], lengths[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < n && j < m; {
		switch {
		case a[first+i] == b[first+j]:
			out = append(out, [2]int{first + i, first + j})
			i, j = i+1, j+1
		case lengths[i+1][j] >= lengths[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

// listCallKeys returns what identifies each of some calls.
func listCallKeys(list []joinedCall, positions []int) []string {
	out := make([]string, len(positions))
	for i, n := range positions {
		out[i] = list[n].callKey()
	}
	return out
}

// callKey identifies a call: its values and its place.
func (c *joinedCall) callKey() string {
	if c.text != "" {
		return c.text
	}
	return fmt.Sprint(c.Name, c.Unread, c.Place)
}

func quoteText(text string) string {
	out, _ := json.Marshal(text) // a text always has a form
	return string(out)
}
