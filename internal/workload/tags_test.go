package workload

import (
	"strings"
	"testing"
)

// TestPlaceTags: the place in the code is read from the comments of drivers and libraries, also from a call stack.
func TestPlaceTags(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 90)
	for comment, want := range map[string]string{
		"/*controller='users',action='show'*/":                                                  "users#show",
		"/*application:shop,line:/app/models/user.rb:12:in `find'*/":                            "/app/models/user.rb:12:in `find",
		"/*source_location='app%2Fmodels%2Fuser.rb%3A12'*/":                                     "app/models/user.rb:12",
		"/*code.file.path='shop%2Fviews.py',code.line.number='12',code.function.name='index'*/": "index shop/views.py:12",
		"/*route='orders%2F',stack='views.py%3A12%20index%3Bbase.py%3A197%20get'*/":             "orders/ views.py:12 index < base.py:197 get",
		"/*stacktrace='a.py%3A1%0A%20%20b.py%3A2%0A'*/":                                         "a.py:1 < b.py:2",
		"/*stack='" + long + "%7C" + long + "%7C" + long + "'*/":                                long + " < " + long,
		"/*stack='" + long + long + long + "'*/":                                                "",
		"/* name: GetUser :one */":                                                              "GetUser",
		"/* shop/views.py:12 */":                                                                "shop/views.py:12",
		"/* see views.py:12 for more */":                                                        "",
		"/*line='12'*/":                                                                         "",
		"/*caller='app.go%3A10'*/":                                                              "app.go:10",
	} {
		if got := ReadTags("SELECT 1 " + comment).Place; got != want {
			t.Errorf("%s: %q, want %q", comment, got, want)
		}
	}
}
