package catalog

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Catalogs that go on from one another share their lists; those that go on from one
// catalog do not, and nobody sees what another one appended.
func TestWith(t *testing.T) {
	t.Parallel()
	f := &fold{Catalog: New()}
	var lists [][]int
	list := []int{}
	for i := range 1_000 {
		lists = append(lists, list)
		list = appendShared(f, list, i)
		if i >= copiedUpTo && cap(list) != len(list) {
			t.Fatalf("a list of %d has room for %d: who appends would write where others read", len(list), cap(list))
		}
	}
	arrays := map[*int]bool{}
	for n, l := range lists {
		if !slices.Equal(l, list[:n]) {
			t.Fatalf("the list of %d became %v", n, l)
		}
		if n > 0 {
			arrays[&l[0]] = true
		}
	}
	if n := len(arrays); n > 2*copiedUpTo {
		t.Errorf("1,000 lists have %d arrays", n)
	}
	if !isPrefix(lists[900], list) || isPrefix(lists[900], lists[800]) || isPrefix(slices.Clone(lists[900]), list) {
		t.Error("which list begins another one is not known")
	}
	// From one list in many ways, at once.
	var group sync.WaitGroup
	branches := make([][]int, 8)
	for b := range branches {
		group.Go(func() {
			branches[b] = lists[700]
			for i := range 500 {
				branches[b] = appendShared(f, branches[b], 10_000*b+i, -1)
			}
		})
	}
	group.Wait()
	for b, l := range branches {
		if len(l) != 1_700 || !slices.Equal(l[:700], list[:700]) {
			t.Fatalf("branch %d has %d values", b, len(l))
		}
		for i := range 500 {
			if l[700+2*i] != 10_000*b+i || l[701+2*i] != -1 {
				t.Fatalf("branch %d has %d at %d", b, l[700+2*i], i)
			}
		}
	}
	if n := len(f.shared.lists); n > 2*len(branches)+1 {
		t.Errorf("%d lists are held", n)
	}
}

// What statements make without naming it is bounded, and what they name is not: each byte of them allows one more.
func TestMade(t *testing.T) {
	t.Parallel()
	apply := func(c *Catalog, sql string) (next *Catalog, stop any) {
		defer func() { stop = recover() }()
		next, _ = c.Apply(pgparse.ParseStatement(sql), sql)
		return next, nil
	}
	wide := "CREATE TABLE wide (id int"
	for i := range 1000 {
		wide += fmt.Sprintf(", c%d int", i)
	}
	c, _ := apply(New(), wide+")")
	if c.made != 0 {
		t.Fatalf("%d columns count that are in the text", c.made)
	}
	c, _ = apply(c, "CREATE TABLE child () INHERITS (wide)")
	if c.made < 1001 || c.made > 1010 {
		t.Errorf("a child has made %d, want its 1,001 columns and little more", c.made)
	}
	c.made, c.written = mostMade, 0
	for _, sql := range []string{"CREATE TABLE more (LIKE wide)", "CREATE TABLE more () INHERITS (wide)", "CREATE TABLE more AS SELECT * FROM wide"} {
		if _, stop := apply(c, sql); stop == nil || !strings.Contains(fault.FromPanic(stop).Error(), "more than 250000 relations and columns") {
			t.Errorf("%s: %v, want the bound", sql, stop)
		}
	}
	for _, sql := range []string{"ALTER TABLE wide ADD COLUMN note int", "CREATE TABLE one (id int)"} {
		if _, stop := apply(c, sql); stop != nil {
			t.Errorf("%s: %v", sql, stop)
		}
	}
	c.SetMade(true)
	if _, stop := apply(c, "CREATE TABLE one (id int)"); stop == nil {
		t.Error("after a statement at the bound the next one goes on")
	}
}
