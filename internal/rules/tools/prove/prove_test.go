package prove

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// proof is a rule with its fixture.
type proof struct {
	rule *rule.Rule
	f    *ruletest.Fixture
}

func proofs(t *testing.T) []proof {
	t.Helper()
	var out []proof
	for _, r := range rules.All() {
		f, err := ruletest.Read(r.ID)
		if err != nil {
			t.Fatalf("read the fixture of %s: %v", r.ID, err)
		}
		if strings.Contains(r.ID, os.Getenv("PROVE_RULE")) {
			out = append(out, proof{r, f})
		}
	}
	return out
}

// TestProve runs every fixture on every major of its range. PROVE_RULE
// restricts it to the rules whose id contains the value; without it [pgservertest.ProofMajors]
// tells the majors.
func TestProve(t *testing.T) {
	all := proofs(t)
	majors := pgservertest.ProofMajors()
	if os.Getenv("PROVE_RULE") != "" && os.Getenv("ONWARD_PROVE") == "" {
		majors = pgservertest.Majors()
	}
	roles := roles(all)
	var mu sync.Mutex
	wrong := map[string][]string{}
	ran := map[int]int{}
	t.Run("majors", func(t *testing.T) {
		for _, major := range majors {
			t.Run(fmt.Sprint(major), func(t *testing.T) {
				t.Parallel()
				b, err := NewBench(t.Context(), pgservertest.Server(t, major), roles)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := b.Close(context.Background()); err != nil {
						t.Error(err)
					}
				})
				for _, p := range all {
					for i := range p.f.Releases {
						ex := &p.f.Releases[i]
						if !slices.Contains(ex.Servers, major) {
							continue
						}
						bad := p.prove(t, b, ex)
						mu.Lock()
						ran[major]++
						for _, text := range bad {
							key := p.rule.ID + ": " + ex.Name + ": " + text
							wrong[key] = append(wrong[key], fmt.Sprint(major))
						}
						mu.Unlock()
					}
				}
			})
		}
	})
	keys := make([]string, 0, len(wrong))
	for k := range wrong {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		sort.Strings(wrong[k])
		t.Errorf("Postgres %s: %s", strings.Join(wrong[k], ", "), k)
	}
	for _, major := range majors {
		t.Logf("Postgres %d: %d examples ran", major, ran[major])
	}
}

// prove runs one example and lists what is not as the fixture says.
func (p proof) prove(t *testing.T, b *Bench, ex *ruletest.Release) (bad []string) {
	t.Helper()
	claims := p.f.Claims
	if ex.Name != "bad" {
		claims = nil
	}
	out, err := b.Run(t.Context(), p.f, ex, len(claims) > 0)
	if err != nil {
		return []string{err.Error()}
	}
	switch {
	case out.Err == nil && ex.Fails != "":
		bad = append(bad, "it runs, the fixture says that it fails with "+ex.Fails)
	case out.Err != nil && sqlState(out.Err) != ex.Fails:
		bad = append(bad, fmt.Sprintf("%s:%d: %v", out.File, out.From, out.Err))
	case out.Err != nil && p.f.Fails != "" && ex.IsBad() && !flagged(ex, out):
		bad = append(bad, fmt.Sprintf("%s:%d: it fails here, where nothing is flagged: %v", out.File, out.From, out.Err))
	}
	for _, c := range claims {
		name := c.Relation
		if !strings.Contains(name, ".") {
			name = "public." + name
		}
		if seen := out.Seen[name]; seen.Lock != c.Lock || seen.HeaviestWork() != c.Work {
			bad = append(bad, fmt.Sprintf("claim: %s %s %s: the server shows %s %s", c.Relation, c.Lock, c.Work, seen.Lock, seen.HeaviestWork()))
		}
	}
	for i, sql := range ex.Old {
		if err := out.OldBefore[i]; err != nil {
			bad = append(bad, fmt.Sprintf("old: %s: fails before: %v", sql, err))
		}
		if out.Err != nil {
			continue
		}
		switch err := out.OldAfter[i]; {
		case ex.IsBad() && err == nil:
			bad = append(bad, fmt.Sprintf("old: %s: still works", sql))
		case !ex.IsBad() && err != nil:
			bad = append(bad, fmt.Sprintf("old: %s: fails afterwards: %v", sql, err))
		}
	}
	return bad
}

// flagged reports whether the example expects a finding at the place of the failure.
func flagged(ex *ruletest.Release, out *Outcome) bool {
	for _, f := range ex.Files {
		wants, err := ruletest.ParseWants(f.SQL)
		if f.Name != out.File || err != nil {
			continue
		}
		for line := range wants {
			if line >= out.From && line <= out.To {
				return true
			}
		}
	}
	return false
}

// roles are all roles that the fixtures name without creating them: they are
// the cluster's, not the schema's.
func roles(all []proof) []string {
	var out []string
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, p := range all {
		sql := p.f.Before
		for i := range p.f.Releases {
			sql += p.f.Releases[i].SQL() + ";" + strings.Join(p.f.Releases[i].Unseen, ";") + ";"
		}
		f, err := pgparse.SplitText(sql)
		if err != nil {
			continue
		}
		for _, s := range f.Stmts {
			pgparse.Walk(s.Node, func(msg any) bool {
				switch x := msg.(type) {
				case *pgparse.CreateRoleStmt:
					return false
				case *pgparse.RoleSpec:
					add(x.Rolename)
				case *pgparse.VariableSetStmt:
					if set, ok := analysis.SettingOf(s.Node); ok && (set.Name == "role" || set.Name == "session_authorization") {
						add(set.Value)
					}
				}
				return true
			})
		}
	}
	return out
}

// TestLockingRulesClaim holds that every rule about locks says what a server
// shows, unless the server refuses its bad example.
func TestLockingRulesClaim(t *testing.T) {
	t.Parallel()
	for _, p := range proofs(t) {
		if p.rule.Category == onward.Locking && len(p.f.Claims) == 0 && p.f.Fails == "" {
			t.Errorf("%s: a locking rule needs a claim: relation, lock and work of bad", p.rule.ID)
		}
	}
}
