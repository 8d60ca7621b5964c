package jsrun

import (
	"encoding/json"
	"slices"
)

// explore runs the program with the given answers and with both answers to each further condition. It returns the
// calls of all paths. Those that only some paths make are conditional.
func (e *execution) explore(answers []bool) ([]Call, error) {
	p, err := e.runPath(answers)
	if err != nil {
		return nil, err
	}
	return e.joinFrom(p, len(answers))
}

// joinFrom returns the calls after a number of decisions of a path, joined with the calls of the paths that differ later.
func (e *execution) joinFrom(p *programRun, n int) ([]Call, error) {
	first := slices.IndexFunc(p.calls, func(c Call) bool { return c.decisions >= n })
	if first < 0 {
		first = len(p.calls)
	}
	if n == len(p.decisions) {
		return p.calls[first:], nil
	}
	last := first
	for last < len(p.calls) && p.calls[last].decisions == n {
		last++
	}
	yes, err := e.joinFrom(p, n+1)
	if err != nil {
		return nil, err
	}
	other := make([]bool, 0, n+1)
	for _, d := range p.decisions[:n] {
		other = append(other, d.answer)
	}
	no, err := e.explore(append(other, false))
	if err != nil {
		return nil, err
	}
	return append(slices.Clip(p.calls[first:last]), joinBranches(yes, no, p.decisions[n])...), nil
}

// joinBranches returns the calls of both branches of a condition. Those of one branch are conditional.
func joinBranches(yes, no []Call, d decision) []Call {
	// A branch that ends with an error rolls back what it did, and nothing follows it.
	yesThrows, noThrows := endsThrown(yes), endsThrown(no)
	switch {
	case yesThrows && !noThrows:
		return no
	case noThrows && !yesThrows:
		return yes
	}
	mark := func(list []Call, needs bool) []Call {
		out := slices.Clone(list)
		for i := range out {
			out[i].Conditional = true
			if needs && d.needs.Kind != "" {
				out[i].Needs = append(slices.Clip(out[i].Needs), Need{d.needs, d.line})
			}
		}
		return out
	}
	var out []Call
	i, j := 0, 0
	for _, pair := range matchCalls(yes, no) {
		out = append(append(out, mark(yes[i:pair[0]], true)...), mark(no[j:pair[1]], false)...)
		c := yes[pair[0]]
		c.Conditional = c.Conditional || no[pair[1]].Conditional
		out = append(out, c)
		i, j = pair[0]+1, pair[1]+1
	}
	return append(append(out, mark(yes[i:], true)...), mark(no[j:], false)...)
}

func endsThrown(list []Call) bool { return len(list) > 0 && list[len(list)-1].thrown }

// mostMatched bounds the table of the calls of two branches that are compared.
const mostMatched = 1 << 20

// matchCalls returns the positions of the calls that two lists have in common, in the same order.
func matchCalls(a, b []Call) (out [][2]int) {
	keysA, keysB := listKeys(a), listKeys(b)
	first := 0
	for first < min(len(a), len(b)) && keysA[first] == keysB[first] {
		out = append(out, [2]int{first, first})
		first++
	}
	n, m := len(a)-first, len(b)-first
	if n*m > mostMatched {
		return out
	}
	// lengths[i][j] is how many calls a[first+i:] and b[first+j:] have in common.
	lengths := make([][]int, n+1)
	for i := range lengths {
		lengths[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if keysA[first+i] == keysB[first+j] {
				lengths[i][j] = lengths[i+1][j+1] + 1
			} else {
				lengths[i][j] = max(lengths[i+1][j], lengths[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < n && j < m; {
		switch {
		case keysA[first+i] == keysB[first+j]:
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

// listKeys returns what identifies each call: its values and its place.
func listKeys(calls []Call) []string {
	out := make([]string, len(calls))
	for i, c := range calls {
		c.Conditional, c.Loop, c.Needs = false, false, nil
		text, _ := json.Marshal(c) // strings and numbers only
		out[i] = string(text)
	}
	return out
}

func quoteText(text string) string {
	out, _ := json.Marshal(text) // a text always has a form
	return string(out)
}
