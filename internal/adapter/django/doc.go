// Package django renders the migrations of a Django project as the SQL that
// Django would send, and reads which columns its models use.
//
// One Python process, with the project's own interpreter and settings, lets Django's
// schema editor write the SQL of all migrations (render.py and onward_django, embedded
// here). Nothing connects to a database. If the editor queries one (the name of a
// constraint, an extension), the answer comes from the migrations that the same process
// has rendered before. A query without such an answer makes the operation opaque: nothing
// is guessed. Python code of migrations is not run.
//
// A squashed migration counts as it does on the deployed database. While the migrations
// that it replaces exist, they are the history and it never runs; after they are removed
// from the tree, it runs instead. Django's own loader builds the graph, so what Django
// would refuse is known.
package django
