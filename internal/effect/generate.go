package effect

//go:generate go run ./gen
