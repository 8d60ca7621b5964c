// Package dotnet reads what C# declares to a mapper.
package dotnet
