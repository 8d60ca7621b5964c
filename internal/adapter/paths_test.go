package adapter

import (
	"math/rand/v2"
	"testing"
)

// A pattern that is asked directory by directory says what it says of whole paths.
func TestNames(t *testing.T) {
	t.Parallel()
	parts := []string{"test", "tests", "testing", "my-test", "a.spec.ts", "spec", "Dev", "devel", "src", "local.yml", "Makefile", ".env"}
	random := rand.New(rand.NewPCG(1, 2))
	names, found := NewNames(notDeployed), 0
	for range 2000 {
		p := parts[random.IntN(len(parts))]
		for range random.IntN(4) {
			p = parts[random.IntN(len(parts))] + "/" + p
		}
		got, want := names.Match(p), notDeployed.MatchString(p)
		if got != want {
			t.Fatalf("%s: %v, the pattern says %v", p, got, want)
		}
		if got {
			found++
		}
	}
	if found == 0 || found == 2000 {
		t.Errorf("%d of 2,000 paths match: nothing was compared", found)
	}
}
