"""The networks of the benchmark in plain torch, so that they run where torchvision is not installed.

They are torchvision's ResNet-18, ResNet-50 and MobileNetV2, layer for layer; tools/src/bench builds the same ones with Omma.
"""

from torch import nn


def conv_bn(inputs, outputs, kernel, stride=1, groups=1, activation=None):
    """Convolution without bias, batch norm and, unless None, an activation."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    if activation is not None:
        layers.append(activation(inplace=True))
    return nn.Sequential(*layers)


class ResidualBlock(nn.Module):
    """Adds `body(x)` to `shortcut(x)` and applies ReLU."""

    def __init__(self, body, shortcut):
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.body(x) + self.shortcut(x))


def basic_block(inputs, width, stride):
    """Two 3x3 convolutions: the block of ResNet-18."""
    return width, nn.Sequential(
        conv_bn(inputs, width, 3, stride, activation=nn.ReLU), conv_bn(width, width, 3)
    )


def bottleneck(inputs, width, stride):
    """1x1, 3x3 (which carries the stride), 1x1: the block of ResNet-50."""
    return 4 * width, nn.Sequential(
        conv_bn(inputs, width, 1, activation=nn.ReLU),
        conv_bn(width, width, 3, stride, activation=nn.ReLU),
        conv_bn(width, 4 * width, 1),
    )


def resnet(block, depths, classes, width=64, stem=None):
    """ResNet with the ImageNet stem unless another is given; `depths` are the blocks of each stage."""
    layers = stem or [conv_bn(3, width, 7, 2, activation=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
    channels = width
    for stage, depth in enumerate(depths):
        for index in range(depth):
            stride = 2 if stage > 0 and index == 0 else 1
            outputs, body = block(channels, width << stage, stride)
            same = stride == 1 and outputs == channels
            shortcut = nn.Identity() if same else conv_bn(channels, outputs, 1, stride)
            layers.append(ResidualBlock(body, shortcut))
            channels = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


class InvertedResidual(nn.Module):
    """Expand by 1x1, filter each channel by 3x3, project by 1x1; with a shortcut where the shape allows it."""

    def __init__(self, inputs, outputs, stride, expand):
        super().__init__()
        hidden = inputs * expand
        layers = [] if expand == 1 else [conv_bn(inputs, hidden, 1, activation=nn.ReLU6)]
        layers.append(conv_bn(hidden, hidden, 3, stride, groups=hidden, activation=nn.ReLU6))
        layers.append(conv_bn(hidden, outputs, 1))
        self.body = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


MOBILENET_STAGES = (
    # expansion, channels, blocks, stride
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(classes):
    """MobileNetV2 of width 1, without dropout."""
    layers = [conv_bn(3, 32, 3, 2, activation=nn.ReLU6)]
    channels = 32
    for expand, outputs, blocks, stride in MOBILENET_STAGES:
        for index in range(blocks):
            layers.append(InvertedResidual(channels, outputs, stride if index == 0 else 1, expand))
            channels = outputs
    layers.append(conv_bn(channels, 1280, 1, activation=nn.ReLU6))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, classes))


def digits_resnet(classes):
    """ResNet-18 for digits: a quarter of the width, one colour, and the 3x3 stem of CIFAR without pooling."""
    stem = [conv_bn(1, 16, 3, activation=nn.ReLU)]
    return resnet(basic_block, (2, 2, 2, 2), classes, width=16, stem=stem)


def initialize(model):
    """The start that Omma gives its networks: He's normal distribution by output for convolutions, a small one for the head."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
            nn.init.zeros_(module.bias)
    return model


def build(name, classes=1000):
    """The network called `name`."""
    if name == "resnet18":
        return resnet(basic_block, (2, 2, 2, 2), classes)
    if name == "resnet50":
        return resnet(bottleneck, (3, 4, 6, 3), classes)
    if name == "digits":
        return digits_resnet(classes)
    if name == "mobilenet_v2":
        return mobilenet_v2(classes)
    raise ValueError(f"no model is called {name}")
