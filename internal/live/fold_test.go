package live

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFold: a definition that needs a later one is tried again. One that fails
// is listed without its literals.
func TestFold(t *testing.T) {
	t.Parallel()
	c, unread := applyDefinitions([]string{
		"CREATE VIEW public.v AS SELECT id FROM public.w", "CREATE VIEW public.w AS SELECT id FROM public.t", "CREATE TABLE public.t (id int)",
		"CREATE VIEW public.lost AS SELECT 'secret' FROM public.nowhere", "CREATE DOMAIN public.d AS text DEFAULT 'x' 'secret'",
		"CREATE TABLE public.t (other text DEFAULT 'secret')",
	})
	if v := c.Lookup("public", "v"); v == nil || len(v.Columns) != 1 {
		t.Errorf("view v = %+v, want one column", v)
	}
	if !c.Complete || !slices.Equal(c.SearchPath, []string{"public"}) || c.Unmodelled != nil {
		t.Errorf("complete %v, search path %q", c.Complete, c.SearchPath)
	}
	var heads []string
	for _, u := range unread {
		head, reason, _ := strings.Cut(u, ": ")
		if reason == "" || strings.Contains(u, "secret") {
			t.Errorf("the unread definition is listed as %q, want its head and a reason without literals", u)
		}
		heads = append(heads, head)
	}
	if d := cmp.Diff([]string{"CREATE DOMAIN public.d AS text", "CREATE VIEW public.lost AS SELECT", "CREATE TABLE public.t"}, heads); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
