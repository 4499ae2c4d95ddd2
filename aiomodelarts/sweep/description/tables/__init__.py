"""Reads the tables of a sweep file, one module for each; what is wrong is noted, and reading goes on."""
