"""Modules as text, shared by tests of the IR."""

TINY = """\
module @tiny {
  decision @main.kernel : one_of [3, 5]
  decision @cell.node[0].edges : subset 1..=2 of ["image", "conv"]
  require metric(parameters) <= 5000, "too large"
  check @main.kernel == 3, "dimensions differ"

  block @block(%x: f32[4, 8, 8]) {out=4, k=@main.kernel} -> f32[4, 8, 8] {
    %0 = conv2d %x {out=4, kernel=@main.kernel, pad=@main.kernel // 2, param="conv"} : f32[4, 8, 8]
    return %0
  }

  network @tiny(%image: f32[4, 8, 8]) -> f32[4, 8, 8] {
    %h = call @block(%image) {param="stage.0"} : f32[4, 8, 8]
    %h_1 = sum %image if has(@cell.node[0].edges, 0), %h if has(@cell.node[0].edges, 1) : f32[4, 8, 8]
    %0 = choice %h, %h_1 by index(@main.kernel) : f32[4, 8, 8]
    return %0
  }
}
"""
"""A space with a value decision, a subset, a call, a presence list, a choice and constraints."""
