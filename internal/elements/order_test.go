package elements

import (
	"errors"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
)

// node makes a node at a place. changed is set for a statement of a transition.
func node(sql string, place int, changed *Element, makes, uses, drops []string) *Node {
	n := &Node{SQL: sql, Element: changed, place: place, links: newLinks()}
	n.From = &Command{Stmt: &rule.Stmt{Statement: &script.Statement{Line: place + 1}, Migration: &rule.Migration{Path: "m.sql"}}}
	for list, set := range map[*[]string]map[Key]bool{&makes: n.links.makes, &uses: n.links.uses, &drops: n.links.drops} {
		for _, name := range *list {
			set[objectKey(name)] = true
		}
	}
	return n
}

// TestOrder: the rules of order move what a transition makes; everything else keeps its order.
func TestOrder(t *testing.T) {
	t.Parallel()
	e := &Element{Key: objectKey("e"), Name: "e", Target: Replaced}
	sorted, err := sortNodes([]*Node{
		node("uses what a transition makes", 0, nil, nil, []string{"made"}, nil),
		node("written", 1, nil, []string{"type"}, nil, nil),
		node("makes", 2, e, []string{"made"}, []string{"type"}, nil),
		node("drops", 3, e, nil, nil, []string{"old"}),
		node("uses what a transition drops", 4, &Element{Name: "o"}, nil, []string{"old"}, nil),
	})
	if err == nil {
		t.Fatalf("no cycle: the statements as written keep their order, and %v", sorted)
	}
	sorted, err = sortNodes([]*Node{
		node("names what is made later", 0, nil, nil, []string{"type"}, nil),
		node("written", 1, nil, []string{"type"}, nil, nil),
		node("uses what a transition makes", 2, nil, nil, []string{"made"}, nil),
		node("drops", 3, e, nil, nil, []string{"old"}),
		node("makes", 4, &Element{Name: "o"}, []string{"made"}, []string{"type", "old"}, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range sorted {
		got = append(got, n.SQL)
	}
	if order := strings.Join(got, "; "); order != "names what is made later; written; makes; uses what a transition makes; drops" {
		t.Errorf("sortNodes gives the order %q", order)
	}
}

// TestCycle: statements that contradict each other are reported, and only these.
func TestCycle(t *testing.T) {
	t.Parallel()
	e := &Element{Key: columnKey(1, 1), Name: "t.c", Target: Replaced}
	_, err := sortNodes([]*Node{
		node("first", 0, nil, []string{"x"}, nil, nil),
		node("reads both", 1, nil, nil, []string{"old", "fresh"}, nil),
		node("replaces", 2, e, []string{"fresh"}, nil, []string{"old"}),
		node("last", 3, nil, nil, []string{"fresh"}, nil),
	})
	cycle := new(CycleError)
	if !errors.As(err, &cycle) || len(cycle.Nodes) != 2 {
		t.Fatalf("error %v", err)
	}
	if want := "each of these would have to come before another one: m.sql:2 as written; column t.c: replaced"; cycle.Error() != want {
		t.Errorf("%q, want %q", cycle.Error(), want)
	}
	for _, r := range orderRules {
		if r.name == "" || r.reason == "" {
			t.Errorf("a rule of order has no name or reason: %+v", r.name)
		}
	}
}
