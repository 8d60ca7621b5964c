package elements

import (
	"fmt"
	"slices"
	"strings"
)

// Node is a statement of a restated release.
type Node struct {
	SQL string
	// From is its command, or the last command of its transition. Element is the transition's element; nil if the command stays as written.
	From    *Command
	Element *Element
	// place is the index of From in the release, and part the index of the statement in its transition.
	place, part int
	links       links
}

// String returns the node for people.
func (n *Node) String() string {
	if n.Element != nil {
		return n.Element.String()
	}
	return n.From.formatPlace("as written")
}

// orderRule is a reason for which one statement comes before another one.
type orderRule struct {
	name, reason string
	// precedes reports whether a comes before b.
	precedes func(a, b *Node) bool
}

// orderRules are the rules of order.
var orderRules = []orderRule{
	{
		"as written", "what no transition takes keeps its order: its statements may depend on each other in a way that is not known",
		func(a, b *Node) bool { return a.Element == nil && b.Element == nil && a.place < b.place },
	},
	{
		"one transition", "the statements of one transition are in its order",
		func(a, b *Node) bool {
			return a.Element != nil && a.Element == b.Element && a.From == b.From && a.part < b.part
		},
	},
	{
		"made before used", "a statement cannot name what does not exist yet",
		func(a, b *Node) bool {
			return haveCommonKey(a.links.makes, b.links.uses) && !haveCommonKey(b.links.makes, a.links.makes)
		},
	},
	{
		"used before dropped", "a statement cannot name what does not exist any more",
		func(a, b *Node) bool {
			return haveCommonKey(a.links.uses, b.links.drops) && !haveCommonKey(a.links.drops, b.links.drops)
		},
	},
	{
		"dropped once", "what a statement drops, a later one finds changed",
		func(a, b *Node) bool { return haveCommonKey(a.links.drops, b.links.drops) && a.place < b.place },
	},
}

func haveCommonKey(a, b map[Key]bool) bool {
	for key := range a {
		if b[key] {
			return true
		}
	}
	return false
}

// CycleError says which statements would have to come before each other.
type CycleError struct{ Nodes []*Node }

// Error names the statements.
func (e *CycleError) Error() string {
	var list []string
	for _, n := range e.Nodes {
		list = append(list, n.String())
	}
	return fmt.Sprintf("each of these would have to come before another one: %s", strings.Join(list, "; "))
}

// sortNodes sorts nodes by the rules of order, and otherwise by their places.
func sortNodes(nodes []*Node) ([]*Node, error) {
	before := make([]map[int]bool, len(nodes)) // the nodes that come before each one
	for i, b := range nodes {
		before[i] = map[int]bool{}
		for n, a := range nodes {
			if n != i && mustPrecede(a, b) {
				before[i][n] = true
			}
		}
	}
	out, done := make([]*Node, 0, len(nodes)), make([]bool, len(nodes))
	for len(out) < len(nodes) {
		next := -1
		for i := range nodes {
			if !done[i] && len(before[i]) == 0 {
				next = i
				break
			}
		}
		if next < 0 {
			return nil, &CycleError{cyclicNodes(nodes, before, done)}
		}
		done[next] = true
		out = append(out, nodes[next])
		for i := range before {
			delete(before[i], next)
		}
	}
	return out, nil
}

// mustPrecede reports whether a rule says that a node comes before another one. The first rule alone is for two statements as written.
func mustPrecede(a, b *Node) bool {
	rules := orderRules
	if a.Element == nil && b.Element == nil {
		rules = rules[:1]
	}
	return slices.ContainsFunc(rules, func(r orderRule) bool { return r.precedes(a, b) })
}

// cyclicNodes returns the nodes of the cycles: those that are not done, without those that none of them waits for.
func cyclicNodes(nodes []*Node, before []map[int]bool, done []bool) (out []*Node) {
	for removed := true; removed; {
		removed = false
		for i := range nodes {
			if !done[i] && !hasPendingSuccessor(i, before, done) {
				done[i], removed = true, true
			}
		}
	}
	for i, n := range nodes {
		if !done[i] {
			out = append(out, n)
		}
	}
	return out
}

// hasPendingSuccessor reports whether a node that is not done comes after another one.
func hasPendingSuccessor(node int, before []map[int]bool, done []bool) bool {
	for i := range before {
		if !done[i] && before[i][node] {
			return true
		}
	}
	return false
}
