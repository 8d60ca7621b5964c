// Package django renders the migrations of a Django project as the SQL that
// Django would send, and reads which columns its models use.
//
// One Python process, with the project's own interpreter and settings, lets
// Django's schema editor write the SQL of all migrations (render.py and
// onward_django, embedded here). Nothing connects to a database. Where the
// editor asks one (the name of a constraint, an extension), it is answered
// from what the same process has rendered before; what that does not answer is
// opaque, never guessed. Python code of migrations is not run.
//
// A squashed migration counts as it does on the deployed database: while the
// migrations that it replaces exist, they are the history and it never runs;
// once they are gone from the tree, it runs in their place. What Django refuses is asked
// of the graph that its own loader makes.
package django
