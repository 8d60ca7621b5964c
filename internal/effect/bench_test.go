package effect_test

import (
	"os"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
)

// BenchmarkOf judges the forms of the proof over and over; statements/s is
// what counts: 25,000 statements have about 20 ms.
func BenchmarkOf(b *testing.B) {
	fixture, err := os.ReadFile("prove/testdata/fixture.sql")
	if err != nil {
		b.Fatal(err)
	}
	c := fold(b, catalog.New(), string(fixture))
	forms, err := os.ReadFile("prove/testdata/forms.txt")
	if err != nil {
		b.Fatal(err)
	}
	var nodes []*pgparse.Node
	for _, line := range strings.Split(string(forms), "\n") {
		_, sql, ok := strings.Cut(line, ": ")
		if !ok || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "#") {
			continue
		}
		f, err := pgparse.SplitText(sql)
		if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
			continue
		}
		nodes = append(nodes, f.Stmts[0].Node)
	}
	v := effect.NewVersion(17)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		effect.EffectOf(nodes[i%len(nodes)], c, v, effect.Inputs{})
	}
}
