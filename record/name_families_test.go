package record

import (
	"fmt"
	"slices"
	"testing"
)

func TestNamePattern(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"test_1": "test_*", "test1": "test*", "pgboss0a4d55a8d778e5022fab701977c5d840bbc486d0": "pgboss*", "test_w1_9f86d081": "test_w*_*",
		"t_123e4567-e89b-12d3-a456-426614174000": "t_*", "t_123e4567_e89b_12d3_a456_426614174000_x": "t_*_x", "test_k3j2h1": "test_*", "V1StGXR8": "*",
		"tenant_acme": "tenant_acme", "public": "public", "deadbeef": "deadbeef", "added_facade": "added_facade", "app_v2": "app_v*", "test_xkqzjwvb": "test_xkqzjwvb",
	} {
		if got := namePattern(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestFindFamilies(t *testing.T) {
	t.Parallel()
	shapes := map[string]string{"test_xkqzjwvbx": "a", // no digit by chance
		"test_reports": "a", "test_db12cd34x": "b", "tenant_acme": "a", "shard_1": "a", "shard_2": "a",
		"few_ab12cd34": "a", "few_bb12cd34": "a", "few_cb12cd34": "a", "few_reporter": "a"}
	for i := range 10 {
		shapes[fmt.Sprintf("test_%db12cd34x", i)] = "a"
	}
	got := findFamilies(shapes)
	if len(got) != 2 || got[0].pattern != "few_*" || len(got[0].names) != 3 || got[1].pattern != "test_*" || len(got[1].names) != 11 ||
		!slices.Contains(got[1].names, "test_xkqzjwvbx") {
		t.Errorf("findFamilies gives %+v, want few_* with 3 names and test_* with 11", got)
	}
}

// TestLargerShapes: a name with all tables of the only family of its pattern, and more, belongs to it.
func TestLargerShapes(t *testing.T) {
	t.Parallel()
	shapes := map[string]string{"t_1": "a,b", "t_2": "a,b", "t_3": "a,b", "t_4": "a,b,c", "t_5": "a,c", "t_6": "b", "other_7": "a,b,c"}
	if got := findFamilies(shapes); len(got) != 1 || !slices.Equal(got[0].names, []string{"t_1", "t_2", "t_3", "t_4"}) {
		t.Errorf("findFamilies gives %+v, want one family of t_1 to t_4", got)
	}
	for _, name := range []string{"t_7", "t_8", "t_9"} {
		shapes[name] = "b,c"
	}
	for _, f := range findFamilies(shapes) {
		if len(f.names) != 3 {
			t.Errorf("two families, and one has %v", f.names)
		}
	}
}
