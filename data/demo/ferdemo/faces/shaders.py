"""The renderer's shaders (GLSL 3.30).

The main pass writes three images: irradiance (alpha: whether light spreads under the surface there), reflectance
(alpha: coverage) and surface reflection. They are put together in `ferdemo.faces.renderer`, after the irradiance of
skin was blurred a little per colour channel: red light travels furthest.
"""

DEPTH_VERTEX = """
#version 330
uniform mat4 projection;
in vec3 position;
void main() { gl_Position = projection * vec4(position, 1.0); }
"""

DEPTH_FRAGMENT = """
#version 330
void main() {}
"""

VERTEX = """
#version 330
uniform mat4 projection;
in vec3 position;
in vec3 normal;
in vec3 canonical;
in float growth;
out vec3 P;
out vec3 N;
out vec3 C;
out float G;
void main() {
    P = position;
    N = normal;
    C = canonical;
    G = growth;
    gl_Position = projection * vec4(position, 1.0);
}
"""

FRAGMENT = """
#version 330

in vec3 P;
in vec3 N;
in vec3 C;
in float G;
layout(location = 0) out vec4 irradiance;
layout(location = 1) out vec4 reflectance;
layout(location = 2) out vec4 gloss;

uniform sampler2D colour_map;
uniform sampler2D relief_map;
uniform sampler2D wrinkle_map;
uniform sampler2D light_depth;
uniform sampler2D view_depth;
uniform mat4 light_projection;
uniform mat4 view_projection;
uniform mat4 view_inverse;
uniform vec4 map_frame;      // left, bottom, span, wrinkle darkening
uniform vec3 camera;
uniform vec3 key_direction;
uniform vec3 fill_direction;
uniform vec3 strength;       // key, fill, ambient
uniform vec3 base;           // colour of parts without a map
uniform vec3 eye_centre;     // canonical
uniform float eye_radius;
uniform float ao_radius;
uniform float oiliness;
uniform float curl;          // of hair: 0 straight, 1 coiled
uniform vec3 flow;           // of hair: where strands point; 0: to both sides of a parting

float hash(vec3 p) {
    p = fract(p * vec3(.1031, .1030, .0973));
    p += dot(p, p.yxz + 33.33);
    return fract((p.x + p.y) * p.z);
}

float layer(vec3 i, vec3 f) {
    float near = mix(hash(i), hash(i + vec3(1, 0, 0)), f.x);
    return mix(near, mix(hash(i + vec3(0, 1, 0)), hash(i + vec3(1, 1, 0)), f.x), f.y);
}

float value_noise(vec3 p) {
    vec3 i = floor(p), f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    return mix(layer(i, f), layer(i + vec3(0, 0, 1), f), f.z);
}

float ggx(vec3 n, vec3 l, vec3 v, float roughness, float f0) {
    vec3 h = normalize(l + v);
    float a = roughness * roughness, nl = max(dot(n, l), 0.0), nv = max(dot(n, v), 0.08), nh = max(dot(n, h), 0.0);
    float k = nh * nh * (a * a - 1.0) + 1.0, d = a * a / (3.14159 * k * k);
    float g = (roughness + 1.0) * (roughness + 1.0) / 8.0;
    float visibility = 0.25 / ((nl * (1.0 - g) + g) * (nv * (1.0 - g) + g));
    float fresnel = f0 + (1.0 - f0) * pow(1.0 - max(dot(h, v), 0.0), 5.0);
    return 3.14159 * d * visibility * fresnel * nl;
}

float lit(vec3 n) {
    vec4 p = light_projection * vec4(P + n * 0.0012, 1.0);
    vec3 q = p.xyz / p.w * 0.5 + 0.5;
    float sum = 0.0;
    for (int i = 0; i < 10; ++i) {
        float r = sqrt((float(i) + 0.5) / 10.0) * 0.020, t = float(i) * 2.39996;
        sum += q.z - 0.0010 - r * 0.22 > texture(light_depth, q.xy + r * vec2(cos(t), sin(t))).r ? 0.0 : 1.0;
    }
    return sum / 10.0;
}

vec3 unproject(vec2 at) {
    vec4 q = view_inverse * vec4(vec3(at, texture(view_depth, at).r) * 2.0 - 1.0, 1.0);
    return q.xyz / q.w;
}

float open_sky(vec3 n) {
    vec4 p = view_projection * vec4(P, 1.0);
    vec2 at = p.xy / p.w * 0.5 + 0.5;
    float blocked = 0.0;
    for (int i = 0; i < 8; ++i) {
        float share = (float(i) + 0.5) / 8.0, t = float(i) * 2.39996;
        vec3 d = unproject(at + share * ao_radius * vec2(cos(t), sin(t))) - P;
        float length2 = dot(d, d);
        float near = clamp(1.0 - length2 / 0.0009, 0.0, 1.0) * 0.007 * (0.4 + share);
        blocked += 2.25 * max(0.0, dot(n, d) - 0.0006) / (length2 + 1e-6) * near;  // 2.25: as 18 samples
    }
    return exp(-1.15 * blocked);
}

vec3 bend(vec3 n, float height, float height_x, float height_y) {
    vec3 dx = dFdx(P), dy = dFdy(P), r1 = cross(dy, n), r2 = cross(n, dx);
    float det = dot(dx, r1);
    vec3 g = sign(det) * ((height_x - height) * r1 + (height_y - height) * r2);
    return normalize(abs(det) * n - g);
}

void main() {
    vec3 v = normalize(camera - P), n = normalize(N);
#ifndef EYE
    if (dot(n, v) < 0.0) n = -n;
#endif
    vec3 key = key_direction, fill = fill_direction;
    vec2 uv = (C.xy - map_frame.xy) / map_frame.z;
    vec3 albedo = base;
    vec3 wrap = vec3(0.10), sky_tint = vec3(1.0);
    float roughness = 0.5, f0 = 0.03, scatter = 0.0, spec = 1.0, shade = 1.0, cover = 1.0;

#if defined(SKIN)
        vec2 dx = dFdx(uv), dy = dFdy(uv);
        float w0 = texture(wrinkle_map, uv).r;
        float h = texture(relief_map, uv).r + w0;
        float hx = texture(relief_map, uv + dx).r + texture(wrinkle_map, uv + dx).r;
        float hy = texture(relief_map, uv + dy).r + texture(wrinkle_map, uv + dy).r;
        float face = clamp((0.092 - abs(C.x)) / 0.02, 0.0, 1.0);
        n = normalize(mix(n, bend(n, h, hx, hy), face));
        vec4 painted = texture(colour_map, uv);
        albedo = painted.rgb;
        float groove = clamp(-w0 * 1000.0, 0.0, 1.0);
        albedo *= 1.0 - map_frame.w * groove * vec3(0.75, 1.0, 1.0);
        shade = 1.0 - 0.35 * groove * face;
        wrap = vec3(0.30, 0.16, 0.11);
        sky_tint = vec3(0.85, 1.05, 1.12);
        roughness = 0.50;
        f0 = 0.030;
        scatter = 1.0;
        float nose = exp(-pow(C.x / 0.016, 2.0) - pow((C.y + 0.020) / 0.030, 2.0));
        float forehead = exp(-pow(C.x / 0.04, 2.0) - pow((C.y - 0.045) / 0.02, 2.0));
        spec = painted.a * (0.60 + 0.6 * oiliness * (nose + 0.6 * forehead));
        if (C.y < -0.130 && albedo.b > albedo.r) { spec = 0.15; scatter = 0.0; wrap = vec3(0.1); }
#elif defined(MOUTH)
        albedo = vec3(0.20, 0.045, 0.040);
        shade = smoothstep(-0.045, 0.012, C.z) * 0.75;
        scatter = 1.0; spec = 0.3;
#elif defined(SOCKET)
        shade = 0.75; scatter = 1.0; spec = 0.6; wrap = vec3(0.30, 0.16, 0.11);
#elif defined(EYE)
        vec3 e = (C - eye_centre) / eye_radius;
        float r = length(e.xy), angle = atan(e.y, e.x), iris = 0.455;
        albedo = mix(vec3(0.66, 0.61, 0.57), vec3(0.52, 0.36, 0.32), smoothstep(0.55, 1.0, r));
        float fibre = 0.72 + 0.28 * sin(angle * 31.0 + 2.0 * sin(angle * 7.0)) * sin(angle * 17.0 + 1.0);
        vec3 colour = base * fibre * (1.35 - 0.6 * smoothstep(0.15, iris, r));
        colour *= 1.0 - 0.75 * smoothstep(iris * 0.78, iris, r);
        albedo = mix(albedo, colour, smoothstep(iris + 0.035, iris - 0.035, r));
        albedo = mix(albedo, vec3(0.003), smoothstep(0.215, 0.165, r));
        shade = 0.92; spec = 0.0; wrap = vec3(0.25);
        if (e.z > 0.0) {
            vec3 mirror = reflect(-v, n);
            float key_spot = smoothstep(0.955, 0.975, dot(mirror, key));
            float fill_spot = smoothstep(0.93, 0.98, dot(mirror, fill));
            gloss = vec4(vec3(0.85 * key_spot + 0.05 * fill_spot), 1.0);
        } else gloss = vec4(0.0);
#elif defined(TEETH)
        albedo = base; roughness = 0.25; f0 = 0.04; scatter = 0.0; wrap = vec3(0.3);
        float arch = atan(C.x, C.z + 0.030);
        float gap = abs(fract(arch / 0.152) - 0.5) * 2.0;
        float tooth = smoothstep(0.98, 0.86, gap);
        albedo *= mix(vec3(0.62, 0.50, 0.44), vec3(1.0), tooth);
        shade = smoothstep(-0.030, 0.010, C.z);
#elif defined(TONGUE)
        roughness = 0.4; scatter = 1.0; shade = 0.75 * smoothstep(-0.060, 0.010, C.z); spec = 0.5;
#elif defined(LASH)
        cover = 0.55; spec = 0.0;
#elif defined(HAIR)
        // C: across the strands, along them, and which side of the parting.
        vec3 q = C * 1000.0;
        float coil = smoothstep(0.4, 0.8, curl);
        q.x += (1.0 - coil) * (1.0 + 3.0 * curl) * sin(q.y * 0.05 + q.z * 0.03);
        float fine = value_noise(q * mix(vec3(0.70, 0.025, 0.20), vec3(0.60), coil));
        float broad = value_noise(q * mix(vec3(0.17, 0.007, 0.06), vec3(0.17), coil));
        cover = smoothstep(0.0, 0.011, G + 0.0035 * (fine - 0.5) + 0.0030 * (broad - 0.5));
        albedo = base * (0.42 + 0.42 * fine + 0.62 * broad);
        vec3 along = dot(flow, flow) > 0.0 ? flow - n * dot(flow, n) : cross(n, vec3(0.0, 0.0, 1.0));
        float th = dot(normalize(along + 1e-4), normalize(key + v)) + 0.10 * (broad - 0.5);
        float line = max(1.0 - th * th, 0.0), strands = (0.35 + 0.75 * fine) * (0.5 + broad);
        float sheen = pow(line, 60.0) * mix(0.060, 0.008, coil), glow = pow(line, 9.0) * mix(0.20, 0.07, coil);
        strands *= smoothstep(0.006, 0.036, G);
        gloss = vec4(strands * max(dot(n, key) + 0.25, 0.0) * (sheen + glow * (base + 0.03)), 1.0);
        spec = 0.0; wrap = vec3(0.22);
#endif
#if defined(HAIR) || defined(LASH)
    // Hair and lashes cover a share of the surface: of a pixel's 3 x 3 samples, that share.
    ivec2 place = ivec2(gl_FragCoord.xy) % 3;
    if (cover < (float((place.x * 4 + place.y * 3) % 9) + hash(vec3(gl_FragCoord.xy, 7.0))) / 9.0) discard;
#endif
    float visible = lit(n), sky = mix(open_sky(n), 1.0, 0.15 * scatter);
    vec3 raw = (vec3(dot(n, key)) + wrap) / ((1.0 + wrap) * (1.0 + wrap));
    vec3 light = strength.x * max(raw, 0.0) * mix(visible, 1.0, 0.05);
    light += strength.y * max((dot(n, fill) + 0.2) / 1.44, 0.0) * mix(sky, 1.0, 0.4);
    light += strength.z * (0.75 + 0.25 * n.y) * pow(vec3(sky), sky_tint);
#if defined(TEETH)
    light = mix(light, vec3(0.75), 0.6);
#endif
    light *= shade;
    irradiance = vec4(light, scatter);
    reflectance = vec4(albedo, 1.0);
#if defined(EYE) || defined(HAIR)
    gloss.rgb *= mix(0.15, 1.0, visible) * sky;
#else
        float s = 0.85 * ggx(n, key, v, roughness, f0) + 0.15 * ggx(n, key, v, roughness * 0.68, f0);
        float soft = ggx(n, fill, v, roughness, f0);
        gloss = vec4(vec3(strength.x * s * visible + strength.y * soft * sky) * spec * shade * mix(sky, 1.0, 0.3), 1.0);
#endif
    gloss.a = 1.0;
}
"""


def fragment(material):
    """Source of the main pass for one material, such as "skin"."""
    version, rest = FRAGMENT.lstrip().split("\n", 1)
    return f"{version}\n#define {material.upper()}\n{rest}"
