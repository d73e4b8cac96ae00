// Dud is a first program that ends at once: the kernel panics.
package main

func main() {}
