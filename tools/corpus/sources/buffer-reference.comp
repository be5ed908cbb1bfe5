#version 450
#extension GL_EXT_buffer_reference : require
layout(local_size_x = 1) in;
layout(buffer_reference, std430) buffer Node { uint value; };
layout(push_constant) uniform Push { Node node; } push;
void main() { push.node.value = 3u; }
