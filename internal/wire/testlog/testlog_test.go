package testlog_test

import (
	"os"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/wire/testlog"
)

// The test of a connection is the one that its process runs; of a process without tests it is the only one.
func TestFollow(t *testing.T) {
	t.Parallel()
	log, err := testlog.Open()
	if err != nil {
		t.Fatal(err)
	}
	first := log.Follow(func(pid int) bool { return pid == 10 })
	second := log.Follow(func(pid int) bool { return pid == 20 })
	server := log.Follow(func(int) bool { return false })
	for _, step := range []struct{ lines, first, second, server string }{
		{"", "", "", ""},
		{"begin 10 a.py::test_x[1 2]\n", "a.py::test_x[1 2]", "a.py::test_x[1 2]", "a.py::test_x[1 2]"},
		{"begin 20 TestShop\n", "a.py::test_x[1 2]", "TestShop", "a.py::test_x[1 2] or TestShop"},
		{"begin 20 TestShop/buys\n", "a.py::test_x[1 2]", "TestShop/buys", "a.py::test_x[1 2] or TestShop/buys"},
		{"end 10 a.py::test_x[1 2]\nend 20 TestSh", "", "TestShop/buys", "TestShop/buys"},
		{"op/buys\nbegin 20 TestShop/sells\nbegin 20 TestShop/lends\n", "", "TestShop/sells or TestShop/lends", "TestShop/sells or TestShop/lends"},
		{"nonsense\nbegin x y\nbegin 20 \nend 20 TestOther\n", "", "TestShop/sells or TestShop/lends", "TestShop/sells or TestShop/lends"},
		{"begin 20 a\nbegin 20 b\n", "", "", ""},
		{"end 20 a\nend 20 b\nend 20 TestShop\nend 20 TestShop/sells\nend 20 TestShop/lends\n", "", "", ""},
		{"begin 20 " + strings.Repeat("n", 300) + "\n", "", strings.Repeat("n", 200) + "…", strings.Repeat("n", 200) + "…"},
	} {
		f, err := os.OpenFile(log.Path(), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(step.lines); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if a, b, c := first(), second(), server(); a != step.first || b != step.second || c != step.server {
			t.Errorf("after %q the tests are %q, %q and %q", step.lines, a, b, c)
		}
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(log.Path()); !os.IsNotExist(err) {
		t.Errorf("the file is left: %v", err)
	}
}
