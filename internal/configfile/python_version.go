package configfile

import "cmp"

// RequiredPython returns the versions of Python that a pyproject.toml allows, "" for none.
func RequiredPython(pyproject string) string {
	list, _ := ReadTOML(pyproject)
	const poetry = "tool.poetry.dependencies"
	return cmp.Or(Find(list, "project", "requires-python"), Find(list, poetry, "python"), Find(list, poetry+".python", "version"))
}

// PipenvPython returns the version of Python that a Pipfile asks for, "" for none.
func PipenvPython(pipfile string) string {
	list, _ := ReadTOML(pipfile)
	return cmp.Or(Find(list, "requires", "python_version"), Find(list, "requires", "python_full_version"))
}
